rockspec_format = "3.0"
package = "filemap"
version = "scm-1"
source = {
  -- There is no published home yet: build from a checkout, with `luarocks make`.
  url = ".",
}
description = {
  summary = "Memory mapping as IPC, on Windows and POSIX alike",
  detailed = [[
Shares memory between Lua scripts, games and tools: by name, through a file, or inherited. Named sections live
as on Win32 everywhere: exactly as long as somebody holds them.]],
  license = "MIT",
  labels = { "ipc", "mmap", "shared-memory", "windows", "linux" },
}
dependencies = { "lua ~> 5.4" }
build = {
  type = "builtin",
  modules = {
    filemap = "lua/filemap.lua",
    ["filemap.cdef"] = "lua/filemap/cdef.lua",
    ["filemap.cdef.cursor"] = "lua/filemap/cdef/cursor.lua",
    ["filemap.cdef.expression"] = "lua/filemap/cdef/expression.lua",
    ["filemap.cdef.lexer"] = "lua/filemap/cdef/lexer.lua",
    ["filemap.cdef.names"] = "lua/filemap/cdef/names.lua",
    ["filemap.cdef.parser"] = "lua/filemap/cdef/parser.lua",
    ["filemap.cdef.preprocessor"] = "lua/filemap/cdef/preprocessor.lua",
    ["filemap.cdef.scope"] = "lua/filemap/cdef/scope.lua",
    ["filemap.cdef.types"] = "lua/filemap/cdef/types.lua",
    ["filemap.ctype"] = "lua/filemap/ctype.lua",
    ["filemap.struct"] = "lua/filemap/struct.lua",
    ["filemap.struct.access"] = "lua/filemap/struct/access.lua",
    ["filemap.struct.decode"] = "lua/filemap/struct/decode.lua",
    ["filemap.struct.object"] = "lua/filemap/struct/object.lua",
    ["filemap.struct.text"] = "lua/filemap/struct/text.lua",
    ["filemap.struct.type"] = "lua/filemap/struct/type.lua",
    ["filemap.mailslot"] = "lua/filemap/mailslot.lua",
    ["filemap.pipe"] = "lua/filemap/pipe.lua",
    ["filemap.state"] = "lua/filemap/state.lua",
    ["filemap.sync"] = "lua/filemap/sync.lua",
    ["filemap.core"] = {
      sources = {
        "src/native/error.c",
        "src/native/file_win32.c",
        "src/native/find.c",
        "src/native/guard.c",
        "src/native/guard_posix.c",
        "src/native/guard_win32.c",
        "src/native/map.c",
        "src/native/map_posix.c",
        "src/native/map_stub.c",
        "src/native/map_win32.c",
        "src/native/name.c",
        "src/native/segment_posix.c",
        "src/native/signal.c",
        "src/native/signal_posix.c",
        "src/native/signal_win32.c",
        "src/native/space_posix.c",
        "src/native/step.c",
        "src/native/sync.c",
        "src/native/sync_posix.c",
        "src/native/sync_win32.c",
        "src/native/text_win32.c",
        "src/native/utf.c",
        "src/ipc/block.c",
        "src/ipc/mailslot.c",
        "src/ipc/pipe.c",
        "src/ipc/ring.c",
        "src/ipc/slots.c",
        "src/ipc/state.c",
        "src/binding/largs.c",
        "src/binding/larray.c",
        "src/binding/latomic.c",
        "src/binding/lbytes.c",
        "src/binding/lcore.c",
        "src/binding/lerror.c",
        "src/binding/lmailslot.c",
        "src/binding/lmap.c",
        "src/binding/lnumber.c",
        "src/binding/lobject.c",
        "src/binding/lpacked.c",
        "src/binding/lpipe.c",
        "src/binding/lstate.c",
        "src/binding/lstream.c",
        "src/binding/lsync.c",
        "src/binding/ltext.c",
        "src/binding/lview.c",
      },
    },
  },
  platforms = {
    linux = { modules = { ["filemap.core"] = { libraries = { "dl" } } } },
    windows = { modules = { ["filemap.core"] = { libraries = { "advapi32" } } } },
  },
}
test = {
  type = "command",
  command = "script/test",
}
