/* Arguments that several calls share: counts, access words, time-outs, text, and the table of options. */
#include <stdio.h>
#include <string.h>

#include "binding.h"

const char *fmb_check_text(lua_State *L, int arg)
{
  size_t length;
  const char *s = luaL_checklstring(L, arg, &length);
  if (strlen(s) == length) return s;
  fm_error e;
  memset(&e, 0, sizeof e);
  e.code = FM_INVALID;
  snprintf(e.detail, sizeof e.detail, "a name or path must not contain a NUL byte");
  fmb_fail(L, s, &e);
  return NULL;
}

bool fmb_is_word(lua_State *L, int index, const char *word)
{
  size_t length;
  const char *s = lua_tolstring(L, index, &length);
  return s && length == strlen(word) && memcmp(s, word, length) == 0;
}

uint64_t fmb_check_count(lua_State *L, int arg, const char *what)
{
  const lua_Integer n = luaL_checkinteger(L, arg);
  if (n < 0) luaL_argerror(L, arg, lua_pushfstring(L, "%s %I is negative", what, (LUAI_UACINT)n));
  return (uint64_t)n;
}

uint64_t fmb_opt_count(lua_State *L, int arg, const char *what, uint64_t otherwise)
{
  return lua_isnoneornil(L, arg) ? otherwise : fmb_check_count(L, arg, what);
}

/* An integer is the same as lua_tolstring makes it; a float has no ".0" where Lua's files write none. */
const char *fmb_check_written(lua_State *L, int arg, size_t *length)
{
  if (!FMB_FILES_WRITE_POINT && lua_type(L, arg) == LUA_TNUMBER && !lua_isinteger(L, arg)) {
    char text[64];
    snprintf(text, sizeof text, LUA_NUMBER_FMT, (LUAI_UACNUMBER)lua_tonumber(L, arg));
    lua_pushstring(L, text);
    lua_replace(L, arg);
  }
  return luaL_checklstring(L, arg, length);
}

uint64_t fmb_check_all_written(lua_State *L, int first)
{
  uint64_t total = 0;
  for (int arg = first, top = lua_gettop(L); arg <= top; arg++) {
    size_t length;
    fmb_check_written(L, arg, &length);
    total += length;
  }
  return total;
}

#define ACCESS_WORDS "\"r\", \"rw\", \"copy\", \"rx\", \"rwx\" or \"copyx\""

/* The bits of the access word at a stack index; 0 for another value. */
static int access_at(lua_State *L, int index)
{
  const char *word = lua_type(L, index) == LUA_TSTRING ? lua_tostring(L, index) : NULL;
  return word && fmb_is_word(L, index, word) ? fm_access_bits(word) : 0;
}

int fmb_check_access(lua_State *L, int arg)
{
  const int access = access_at(L, arg);
  const char *hint = lua_istable(L, arg) ? "; the options are the next argument" : "";
  if (access == 0)
    luaL_argerror(L, arg, lua_pushfstring(L, "access must be " ACCESS_WORDS ", got %s%s",
                                          luaL_tolstring(L, arg, NULL), hint));
  return access;
}

int fmb_opt_access(lua_State *L, int arg, int otherwise)
{
  return lua_isnoneornil(L, arg) ? otherwise : fmb_check_access(L, arg);
}

double fmb_opt_timeout(lua_State *L, int arg, double otherwise)
{
  if (lua_isnoneornil(L, arg)) return otherwise;
  const lua_Number seconds = luaL_checknumber(L, arg);
  if (seconds < 0)
    luaL_argerror(L, arg, lua_pushfstring(L, "time-out must not be negative, got %f",
                                          (LUAI_UACNUMBER)seconds));
  if (seconds != seconds) luaL_argerror(L, arg, "time-out must not be NaN");
  return seconds < FM_FOREVER ? (double)seconds : FM_FOREVER;
}

/* {-- Options ----------------------------------------------------------------------------------- */

/* A reader stores the value on top of the stack. It returns NULL, or a description of the values that it
** accepts. */
typedef const char *(*reader)(lua_State *L, fmb_options *o);

static const char *read_access(lua_State *L, fmb_options *o)
{
  o->map.access = access_at(L, -1);
  return o->map.access ? NULL : ACCESS_WORDS;
}

static const char *read_size(lua_State *L, fmb_options *o)
{
  int is_integer;
  const lua_Integer size = lua_tointegerx(L, -1, &is_integer);
  o->map.size = (uint64_t)size;
  return is_integer && size >= 0 ? NULL : "an integer from 0 to 2^63-1";
}

/* Three octal digits, with or without a 0 before them. The owner must be able to read: a process that cannot
** open a segment cannot see that it is stale, and cannot remove it. */
static const char *read_mode(lua_State *L, fmb_options *o)
{
  static const char expected[] = "an octal string such as \"0600\" that lets the owner read";
  if (lua_type(L, -1) != LUA_TSTRING) return expected;
  size_t length;
  const char *s = lua_tolstring(L, -1, &length);
  if (length == 4 && *s == '0') s++, length--;
  if (length != 3 || strspn(s, "01234567") != 3) return expected;
  o->map.mode = (unsigned)((s[0] - '0') * 64 + (s[1] - '0') * 8 + (s[2] - '0'));
  return o->map.mode & 0400 ? NULL : expected;
}

static const char *read_string(lua_State *L, const char **out)
{
  size_t length;
  *out = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &length) : NULL;
  return *out && strlen(*out) == length ? NULL : "a string without NUL";
}

static const char *read_sddl(lua_State *L, fmb_options *o)
{
  return read_string(L, &o->map.sddl);
}

static const char *read_name(lua_State *L, fmb_options *o)
{
  return read_string(L, &o->map.name);
}

static const char *read_boolean(lua_State *L, bool *out)
{
  *out = lua_toboolean(L, -1);
  return lua_isboolean(L, -1) ? NULL : "a boolean";
}

static const char *read_inherit(lua_State *L, fmb_options *o)
{
  return read_boolean(L, &o->map.inherit);
}

static const char *read_commit(lua_State *L, fmb_options *o)
{
  return read_boolean(L, &o->map.commit);
}

static const char *read_large_pages(lua_State *L, fmb_options *o)
{
  return read_boolean(L, &o->map.large_pages);
}

static const char *read_existing(lua_State *L, fmb_options *o)
{
  return read_boolean(L, &o->existing);
}

static const char *read_manual(lua_State *L, fmb_options *o)
{
  return read_boolean(L, &o->manual);
}

static const char *read_set(lua_State *L, fmb_options *o)
{
  return read_boolean(L, &o->set);
}

static const char *read_stream(lua_State *L, fmb_options *o)
{
  return read_boolean(L, &o->stream);
}

static const char *read_length(lua_State *L, uint64_t *out)
{
  int is_integer;
  const lua_Integer n = lua_tointegerx(L, -1, &is_integer);
  *out = (uint64_t)n;
  return is_integer && n > 0 ? NULL : "an integer from 1 to 2^63-1";
}

static const char *read_capacity(lua_State *L, fmb_options *o)
{
  return read_length(L, &o->capacity);
}

static const char *read_max_message(lua_State *L, fmb_options *o)
{
  return read_length(L, &o->max_message);
}

static const char *read_evict(lua_State *L, fmb_options *o)
{
  return read_boolean(L, &o->evict);
}

static const char *read_ttl(lua_State *L, fmb_options *o)
{
  o->ttl = lua_type(L, -1) == LUA_TNUMBER ? (double)lua_tonumber(L, -1) : 0;
  if (o->ttl > FM_FOREVER) o->ttl = FM_FOREVER;
  return o->ttl > 0 ? NULL : "a number of seconds greater than 0";
}

static const char *read_protect(lua_State *L, fmb_options *o)
{
  int is_integer;
  const lua_Integer bits = lua_tointegerx(L, -1, &is_integer);
  o->protect = (uint32_t)bits;
  return is_integer && bits == (lua_Integer)o->protect ? NULL : "an integer of 32 bits";
}

static const struct option { const char *name; unsigned bit; reader read; } known[] = {
  {"access", FMB_ACCESS, read_access},    {"size", FMB_SIZE, read_size},
  {"mode", FMB_MODE, read_mode},          {"sddl", FMB_SDDL, read_sddl},
  {"name", FMB_NAME, read_name},          {"inherit", FMB_INHERIT, read_inherit},
  {"commit", FMB_COMMIT, read_commit},    {"large_pages", FMB_LARGE_PAGES, read_large_pages},
  {"existing", FMB_EXISTING, read_existing}, {"manual", FMB_MANUAL, read_manual},
  {"set", FMB_SET, read_set},             {"stream", FMB_STREAM_MODE, read_stream},
  {"capacity", FMB_CAPACITY, read_capacity}, {"max_message", FMB_MAX_MESSAGE, read_max_message},
  {"protect", FMB_PROTECT, read_protect}, {"evict", FMB_EVICT, read_evict},
  {"ttl", FMB_TTL, read_ttl},
};

/* The option that the key below the top names; raises if the call has no such option. */
static const struct option *find_option(lua_State *L, int arg, unsigned allowed)
{
  const bool is_string = lua_type(L, -2) == LUA_TSTRING; /* lua_next needs a number as it is */
  for (size_t i = 0; is_string && i < sizeof known / sizeof *known; i++)
    if ((known[i].bit & allowed) && fmb_is_word(L, -2, known[i].name)) return &known[i];
  lua_pushvalue(L, -2);
  luaL_argerror(L, arg, lua_pushfstring(L, "unknown option '%s'", luaL_tolstring(L, -1, NULL)));
  return NULL;
}

fmb_options fmb_default_options(void)
{
  fmb_options o;
  memset(&o, 0, sizeof o);
  o.ttl = FM_FOREVER;
  o.map = fm_default_options();
  return o;
}

static _Noreturn void raise_no_table(lua_State *L, int arg)
{
  const char *got = fmb_push_type_name(L, arg);
  lua_pushfstring(L, "table expected, got %s", got);
  if (access_at(L, arg)) {
    lua_pushfstring(L, "; the access is an option: { access = \"%s\" }", lua_tostring(L, arg));
    lua_concat(L, 2);
  }
  luaL_argerror(L, arg, lua_tostring(L, -1));
}

void fmb_read_options(lua_State *L, int arg, fmb_options *o, unsigned allowed)
{
  if (lua_isnoneornil(L, arg)) return;
  if (!lua_istable(L, arg)) raise_no_table(L, arg);
  for (lua_pushnil(L); lua_next(L, arg); lua_pop(L, 1)) {
    const struct option *option = find_option(L, arg, allowed);
    const char *expected = option->read(L, o);
    if (expected)
      luaL_argerror(L, arg, lua_pushfstring(L, "option '%s' must be %s, got %s", option->name, expected,
                                            luaL_tolstring(L, -1, NULL)));
  }
}
