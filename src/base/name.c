/* The rules for names, the same on every system. */
#include <string.h>

#include "error.h"
#include "name.h"
#include "utf.h"

static bool is_utf8(const char *s)
{
  const char *end = s + strlen(s);
  while (s < end)
    if (fm_utf8_next(&s, end) < 0) return false;
  return true;
}

/* A drive or a server at the start shows a path. */
static int fail_backslash(const char *full, fm_error *e)
{
  if (full[0] == '\\' || (full[0] != 0 && full[1] == ':'))
    return fm_fail(e, FM_INVALID, "this is a path, not a name; "
                   "to map the file at a path, use filemap.file (fm_file in C)");
  return fm_fail(e, FM_INVALID, "a name must not contain \\ after the prefix Local\\ or Global\\");
}

int fm_name_parse(fm_name *out, const char *full, fm_error *e)
{
  static const struct { const char *text; fm_kind kind; } prefixes[] = {
    {"Local\\", FM_LOCAL}, {"Global\\", FM_GLOBAL}, {"/", FM_VERBATIM}, {"", FM_LOCAL},
  };
  fm_name name = {.kind = FM_UNNAMED, .full = full};
  if (full) {
    size_t i = 0;
    while (strncmp(full, prefixes[i].text, strlen(prefixes[i].text)) != 0) i++;
    name.kind = prefixes[i].kind;
    name.rest = full + strlen(prefixes[i].text);
    const size_t length = strlen(name.rest);
    if (length == 0 || length > FM_NAME_MAX)
      return fm_fail(e, FM_INVALID, "a name must have 1 to %d bytes after its prefix, got %zu",
                     FM_NAME_MAX, length);
    if (strchr(name.rest, '\\')) return fail_backslash(full, e);
    if (!is_utf8(name.rest)) return fm_fail(e, FM_INVALID, "a name must be valid UTF-8");
  }
  *out = name;
  return FM_OK;
}
