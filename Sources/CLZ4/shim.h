// LZ4F_decompressOptions_t.skipChecksums and stableDst are part of the stable interface of 1.9.4.
#include <lz4frame.h>
