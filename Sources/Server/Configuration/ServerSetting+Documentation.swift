// docs/configuration.md's tables, so that they cannot be out of date.

extension ServerSetting {
  /// A table in Markdown for each section.
  public static var documentation: String {
    Section.allCases.map { section in
      let rows = all.filter { $0.section == section }.map { setting in
        let value = setting.form.replacing("|", with: "\\|")
        return
          "| `\(setting.name)` | \(value) | \(setting.defaultText.map { "`\($0)`" } ?? "–") | \(setting.help) |\n"
      }
      return rows.isEmpty
        ? ""
        : "### \(section.rawValue)\n\n| setting | value | default | meaning |\n|---|---|---|---|\n"
          + rows.joined() + "\n"
    }.joined()
  }
}
