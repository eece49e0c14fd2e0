/* What a name may be, the same on every system. */
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
      return fm_fail(e, FM_INVALID, "a name has 1 to %d bytes, this one has %zu", FM_NAME_MAX, length);
    if (strchr(name.rest, '\\'))
      return fm_fail(e, FM_INVALID, "a name holds no \\ but that of Local\\ or Global\\");
    if (!is_utf8(name.rest)) return fm_fail(e, FM_INVALID, "a name is text in UTF-8");
  }
  *out = name;
  return FM_OK;
}
