// SQLite, and what Swift cannot say of it: destructors that are casts, variadic calls.

#include <sqlite3.h>
#include <stdint.h>
#include <string.h>

// SQLITE_TRANSIENT and SQLITE_STATIC are casts of numbers to function pointers, which Swift does not import.
static inline int fletch_bind_text_copied(sqlite3_stmt *statement, int index, const char *text, uint64_t count) {
  return sqlite3_bind_text64(statement, index, text, count, SQLITE_TRANSIENT, SQLITE_UTF8);
}
static inline int fletch_bind_text_static(sqlite3_stmt *statement, int index, const char *text, uint64_t count) {
  return sqlite3_bind_text64(statement, index, text, count, SQLITE_STATIC, SQLITE_UTF8);
}
static inline int fletch_bind_blob_copied(sqlite3_stmt *statement, int index, const void *bytes, uint64_t count) {
  return sqlite3_bind_blob64(statement, index, bytes, count, SQLITE_TRANSIENT);
}
static inline int fletch_bind_blob_static(sqlite3_stmt *statement, int index, const void *bytes, uint64_t count) {
  return sqlite3_bind_blob64(statement, index, bytes, count, SQLITE_STATIC);
}
static inline void fletch_result_text_copied(sqlite3_context *context, const char *text, uint64_t count) {
  sqlite3_result_text64(context, text, count, SQLITE_TRANSIENT, SQLITE_UTF8);
}
// SQLite only takes a text for one with a zero behind it when it has looked for that zero itself; any other text it allocates again as
// soon as somebody asks for it (sum(length(name)): 98 ns a row, and 52 this way). Short texts with a zero in them cannot be given so.
static inline void fletch_result_text_short(sqlite3_context *context, const char *text, uint64_t count) {
  char copy[256];
  if (count >= sizeof copy || memchr(text, 0, count)) {
    fletch_result_text_copied(context, text, count);
    return;
  }
  memcpy(copy, text, count);
  copy[count] = 0;
  sqlite3_result_text(context, copy, -1, SQLITE_TRANSIENT);
}
static inline void fletch_result_text_static(sqlite3_context *context, const char *text, uint64_t count) {
  sqlite3_result_text64(context, text, count, SQLITE_STATIC, SQLITE_UTF8);
}
static inline void fletch_result_blob_copied(sqlite3_context *context, const void *bytes, uint64_t count) {
  sqlite3_result_blob64(context, bytes, count, SQLITE_TRANSIENT);
}
static inline void fletch_result_blob_static(sqlite3_context *context, const void *bytes, uint64_t count) {
  sqlite3_result_blob64(context, bytes, count, SQLITE_STATIC);
}

// Variadic functions, one for each use.
static inline int fletch_vtab_supports_constraints(sqlite3 *database) {
  return sqlite3_vtab_config(database, SQLITE_VTAB_CONSTRAINT_SUPPORT, 1);
}
static inline int fletch_vtab_is_innocuous(sqlite3 *database) {
  return sqlite3_vtab_config(database, SQLITE_VTAB_INNOCUOUS);
}
static inline int fletch_db_config(sqlite3 *database, int option, int on) {
  return sqlite3_db_config(database, option, on, (int *)0);
}

// A virtual table and its cursor as SQLite sees them, with the Swift object behind.
typedef struct fletch_vtab {
  sqlite3_vtab base;
  void *object;
} fletch_vtab;
typedef struct fletch_cursor {
  sqlite3_vtab_cursor base;
  void *object;
} fletch_cursor;
