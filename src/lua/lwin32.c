/* What lua/filemap/win32.lua makes Win32's calls of, besides what filemap itself has: maps whose protection is told in
** Win32's bits, files that are open by themselves, and Win32's numbers for what went wrong. */
#include "../compat/compat.h"
#include "binding.h"

/* The userdata behind an argument, if it is a file that is open, else NULL. */
static fm_file_handle *to_file(lua_State *L, int arg)
{
  fmb_object *o = luaL_testudata(L, arg, fmb_file);
  return o ? o->pointer : NULL;
}

/* create(name, size, options) -> map, as filemap.create, whose options also may have `protect`. */
static int win32_create(lua_State *L)
{
  const bool is_unnamed = lua_isnoneornil(L, 1);
  const char *name = is_unnamed ? NULL : fmb_check_text(L, 1);
  if (!name && !is_unnamed) return 4;
  const uint64_t size = fmb_check_count(L, 2, "size");
  fmb_options o = fmb_default_options();
  fm_error e;
  fm_map **m = fmb_new_map(L);
  fmb_read_options(L, 3, &o, FMB_ACCESS | FMB_MODE | FMB_SDDL | FMB_INHERIT | FMB_COMMIT | FMB_LARGE_PAGES | FMB_PROTECT);
  return fm_win32_create(m, name, size, &o.map, o.protect, &e) == FM_OK ? 1 : fmb_fail(L, name ? name : "unnamed map", &e);
}

/* map(file, access, options) -> map, as filemap.file of an open one; `size` is the map's. */
static int win32_map(lua_State *L)
{
  fmb_options o = fmb_default_options();
  fm_error e;
  fm_map **m = fmb_new_map(L); /* a finalizer may run, and close the file: look only then */
  fm_file_handle *file = to_file(L, 1);
  if (!file) return luaL_typeerror(L, 1, fmb_file);
  fmb_read_options(L, 3, &o, FMB_SIZE | FMB_MODE | FMB_SDDL | FMB_NAME | FMB_INHERIT | FMB_PROTECT);
  o.map.access = fmb_check_access(L, 2);
  return fm_win32_map_file(m, file, &o.map, o.protect, &e) == FM_OK ? 1 : fmb_fail(L, fm_file_path(file), &e);
}

static uint32_t check_bits(lua_State *L, int arg)
{
  const lua_Integer bits = luaL_checkinteger(L, arg);
  luaL_argcheck(L, bits == (lua_Integer)(uint32_t)bits, arg, "not an integer of 32 bits");
  return (uint32_t)bits;
}

/* open_file(path, access, share, disposition, flags, options) -> file, existed */
static int win32_open_file(lua_State *L)
{
  const char *path = fmb_check_text(L, 1);
  if (!path) return 4;
  const fm_file_request r = {check_bits(L, 2), check_bits(L, 3), check_bits(L, 4), check_bits(L, 5)};
  fmb_options o = fmb_default_options();
  fm_error e;
  bool existed;
  fm_file_handle *file;
  fmb_object *object = fmb_new_object(L, 6, fmb_file, sizeof *object);
  fmb_read_options(L, 6, &o, FMB_MODE | FMB_SDDL | FMB_INHERIT);
  if (fm_file_open(&file, &existed, path, &r, &o.map, &e) != FM_OK) return fmb_fail(L, path, &e);
  object->pointer = file;
  lua_pushboolean(L, existed);
  return 2;
}

/* kind(x) -> "map", "view" or "file", if it is one that is open. */
static int win32_kind(lua_State *L)
{
  luaL_checkany(L, 1);
  const fm_view *v = fmb_to_view(L, 1);
  fm_map **m = luaL_testudata(L, 1, FMB_MAP);
  if (v && v->data) lua_pushliteral(L, "view");
  else if (m && *m) lua_pushliteral(L, "map");
  else if (to_file(L, 1)) lua_pushliteral(L, "file");
  else lua_pushnil(L);
  return 1;
}

/* number(code, native, otherwise) -> the Win32 number of a failure */
static int win32_number(lua_State *L)
{
  int code = FM_OK;
  while (code < FM_SYSTEM && !fmb_is_word(L, 1, fm_word((fm_code)code))) code++;
  lua_pushinteger(L, fm_win32_number((fm_code)code, (long)luaL_optinteger(L, 2, 0), (long)luaL_optinteger(L, 3, 0)));
  return 1;
}

/* explain(number) -> the code's word, and a sentence */
static int win32_explain(lua_State *L)
{
  const char *sentence;
  const fm_code code = fm_win32_code((long)luaL_checkinteger(L, 1), &sentence);
  lua_pushstring(L, fm_word(code));
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
  const fm_file_handle *file = fmb_to_object(L, fmb_file)->pointer;
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
  fmb_new_type(L, fmb_file, methods, file_close, file_tostring);
  luaL_newlib(L, functions);
}
