import Memory
let benchCommand = Command(name: "bench", operands: "", summary: "x", discussion: "", options: [], run: { _ in })
