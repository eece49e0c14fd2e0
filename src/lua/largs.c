/* Arguments that several calls share: counts, access words, and the table of options. */
#include <string.h>

#include "binding.h"

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

/* Bits of the access word at a stack index, 0 if it is none. */
static int access_at(lua_State *L, int index)
{
  const char *word = lua_type(L, index) == LUA_TSTRING ? lua_tostring(L, index) : NULL;
  return word && fmb_is_word(L, index, word) ? fm_access_bits(word) : 0;
}

int fmb_check_access(lua_State *L, int arg)
{
  const int access = access_at(L, arg);
  if (access == 0)
    luaL_argerror(L, arg, lua_pushfstring(L, "access is \"r\", \"rw\", \"copy\", \"rx\", \"rwx\" or "
                                             "\"copyx\", not %s", luaL_tolstring(L, arg, NULL)));
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
  if (!(seconds >= 0)) /* nor NaN */
    luaL_argerror(L, arg, lua_pushfstring(L, "time-out %f is %s", (LUAI_UACNUMBER)seconds,
                                          seconds < 0 ? "negative" : "no number"));
  return seconds < FM_FOREVER ? (double)seconds : FM_FOREVER;
}

/* {-- Options ----------------------------------------------------------------------------------- */

/* Each reads the value on top of the stack, and returns what was expected instead, or NULL. */
typedef const char *(*reader)(lua_State *L, fmb_options *o);

static const char *read_access(lua_State *L, fmb_options *o)
{
  o->map.access = access_at(L, -1);
  return o->map.access ? NULL : "\"r\", \"rw\", \"copy\", \"rx\", \"rwx\" or \"copyx\"";
}

static const char *read_size(lua_State *L, fmb_options *o)
{
  int is_integer;
  const lua_Integer size = lua_tointegerx(L, -1, &is_integer);
  o->map.size = (uint64_t)size;
  return is_integer && size >= 0 ? NULL : "an integer from 0 to 2^63-1";
}

/* Three octal digits, with or without a 0 before them. The owner keeps the right to read: who cannot open
** a segment cannot see that it is dead, and clear it away. */
static const char *read_mode(lua_State *L, fmb_options *o)
{
  static const char expected[] = "permissions as an octal string like \"0600\", the owner's read among them";
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
  {"protect", FMB_PROTECT, read_protect},
};

/* The option that the key below the top names; raises if the call has none of that name. */
static const struct option *find_option(lua_State *L, int arg, unsigned allowed)
{
  const bool is_string = lua_type(L, -2) == LUA_TSTRING; /* lua_next must find its key unconverted */
  for (size_t i = 0; is_string && i < sizeof known / sizeof *known; i++)
    if ((known[i].bit & allowed) && fmb_is_word(L, -2, known[i].name)) return &known[i];
  lua_pushvalue(L, -2); /* luaL_tolstring must not change the key that lua_next goes on from */
  luaL_argerror(L, arg, lua_pushfstring(L, "unknown option '%s'", luaL_tolstring(L, -1, NULL)));
  return NULL;
}

fmb_options fmb_default_options(void)
{
  return (fmb_options){.map = fm_default_options()};
}

void fmb_read_options(lua_State *L, int arg, fmb_options *o, unsigned allowed)
{
  if (lua_isnoneornil(L, arg)) return;
  luaL_checktype(L, arg, LUA_TTABLE);
  for (lua_pushnil(L); lua_next(L, arg); lua_pop(L, 1)) {
    const struct option *option = find_option(L, arg, allowed);
    const char *expected = option->read(L, o);
    if (expected)
      luaL_argerror(L, arg, lua_pushfstring(L, "option '%s' is %s, not %s", option->name, expected,
                                            luaL_tolstring(L, -1, NULL)));
  }
}
