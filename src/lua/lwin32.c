/* What lua/filemap/win32.lua needs besides the functions of filemap: maps with Win32's protection bits, open
** files, and Win32's error numbers. */
#include "../compat/compat.h"
#include "binding.h"

/* create(name, size, options) -> map, as filemap.create; an option more is `protect`. */
static int win32_create(lua_State *L)
{
  const bool is_unnamed = lua_isnoneornil(L, 1);
  const char *name = is_unnamed ? NULL : fmb_check_text(L, 1);
  if (!name && !is_unnamed) return 4;
  const uint64_t size = fmb_check_count(L, 2, "size");
  fmb_options o = fmb_default_options();
  fm_error e;
  fm_map *m;
  fmb_object *object = fmb_new_object(L, 3, fmb_map, sizeof *object, 0);
  fmb_read_options(L, 3, &o, FMB_ACCESS | FMB_MODE | FMB_SDDL | FMB_INHERIT | FMB_COMMIT | FMB_LARGE_PAGES |
                               FMB_PROTECT);
  const int code = fm_win32_create(&m, name, size, &o.map, o.protect, &e);
  if (code != FM_OK) return fmb_fail(L, name ? name : "unnamed map", &e);
  object->pointer = m;
  return 1;
}

/* map(file, access, options) -> map, as filemap.file does with a path; the option `size` is the map's
** size. */
static int win32_map(lua_State *L)
{
  fmb_options o = fmb_default_options();
  fm_error e;
  fm_map *m;
  fmb_object *object = fmb_new_object(L, 3, fmb_map, sizeof *object, 0);
  fm_file_handle *file = fmb_check_open(L, 1, fmb_file); /* a finalizer may have closed it */
  fmb_read_options(L, 3, &o, FMB_SIZE | FMB_MODE | FMB_SDDL | FMB_NAME | FMB_INHERIT | FMB_PROTECT);
  o.map.access = fmb_check_access(L, 2);
  const int code = fm_win32_map_file(&m, file, &o.map, o.protect, &e);
  if (code != FM_OK) return fmb_fail(L, fm_file_path(file), &e);
  object->pointer = m;
  return 1;
}

static uint32_t check_bits(lua_State *L, int arg)
{
  const lua_Integer bits = luaL_checkinteger(L, arg);
  luaL_argcheck(L, bits == (lua_Integer)(uint32_t)bits, arg, "integer of 32 bits expected");
  return (uint32_t)bits;
}

/* open_file(path, access, share, disposition, flags, options) -> file, existed */
static int win32_open_file(lua_State *L)
{
  const char *path = fmb_check_text(L, 1);
  if (!path) return 4;
  const fm_file_request r = {
    .access = check_bits(L, 2), .share = check_bits(L, 3), .disposition = check_bits(L, 4),
    .flags = check_bits(L, 5),
  };
  fmb_options o = fmb_default_options();
  fm_error e;
  bool existed;
  fm_file_handle *file;
  fmb_object *object = fmb_new_object(L, 6, fmb_file, sizeof *object, 0);
  fmb_read_options(L, 6, &o, FMB_MODE | FMB_SDDL | FMB_INHERIT);
  if (fm_file_open(&file, &existed, path, &r, &o.map, &e) != FM_OK) return fmb_fail(L, path, &e);
  object->pointer = file;
  lua_pushboolean(L, existed);
  return 2;
}

/* kind(x) -> "map", "view" or "file", if x is an open one; else nil. */
static int win32_kind(lua_State *L)
{
  luaL_checkany(L, 1);
  static const struct { const char *type, *kind; } kinds[] = {
    {fmb_map, "map"}, {fmb_view, "view"}, {fmb_file, "file"},
  };
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    const fmb_object *o = fmb_to_object(L, 1, kinds[i].type);
    if (!o || !o->pointer) continue;
    lua_pushstring(L, kinds[i].kind);
    return 1;
  }
  lua_pushnil(L);
  return 1;
}

/* number(code, native, otherwise) -> the Win32 error number of a failure */
static int win32_number(lua_State *L)
{
  int code = FM_OK;
  while (code < FM_SYSTEM && !fmb_is_word(L, 1, fm_word(code))) code++;
  const long native = (long)luaL_optinteger(L, 2, 0), otherwise = (long)luaL_optinteger(L, 3, 0);
  lua_pushinteger(L, fm_win32_number((fm_code)code, native, otherwise));
  return 1;
}

/* explain(number) -> the code's word, and its sentence */
static int win32_explain(lua_State *L)
{
  const char *sentence;
  const fm_code code = fm_win32_code((long)luaL_checkinteger(L, 1), &sentence);
  lua_pushstring(L, fm_word((int)code));
  lua_pushstring(L, sentence);
  return 2;
}

static int file_close(lua_State *L)
{
  fm_file_close(fmb_release(L, fmb_file));
  return 1;
}

static int file_tostring(lua_State *L)
{
  const fm_file_handle *file = fmb_check_object(L, 1, fmb_file)->pointer;
  lua_pushfstring(L, "%s (%s)", fmb_file, file ? fm_file_path(file) : "closed");
  return 1;
}

void fmb_open_win32(lua_State *L)
{
  static const luaL_Reg functions[] = {
    {"create", win32_create}, {"map", win32_map},       {"open_file", win32_open_file},
    {"kind", win32_kind},     {"number", win32_number}, {"explain", win32_explain},
    {NULL, NULL},
  };
  static const luaL_Reg methods[] = {{"close", file_close}, {NULL, NULL}};
  fmb_new_type(L, fmb_file, methods, file_close, file_tostring, NULL);
  luaL_newlib(L, functions);
}
