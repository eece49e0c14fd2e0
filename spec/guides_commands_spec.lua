-- The code blocks of README.md and of the guides that are not in Lua: commands for a shell, CMake, JSON, C.
-- guides_spec runs those in Lua. Each block has an entry in one of two tables. This spec runs the blocks of
-- `here`. Another spec runs those of `elsewhere`, or they cannot run here for the reason that is named.
--
-- The commands run in a copy of the project, with a home and a prefix of their own, and without the network.
-- There `sudo` installs below the copy, and `apt-get` only checks that Debian has the packages.
local guide = require "spec.support.guide"
local json = require "dkjson"
local process = require "process"
local promise = require "spec.support.promise"
local support = require "spec.support"

-- The copy -----------------------------------------------------------------------------------------------

local MAKE <const> = [[
mkdir -p checkout/project home root bin
for entry in "$project"/*; do [ "${entry##*/}" = build ] || cp -r "$entry" checkout; done
cat >bin/sudo <<'END'
#!/bin/sh
case $1 in
  cmake) DESTDIR=$COPY/root exec "$@" ;;
  luarocks) exec "$@" --local --deps-mode none ;;
  *) exec "$@" ;;
esac
END
cat >bin/apt-get <<'END'
#!/bin/sh
# Where apt has no lists of packages, nothing is known of them.
[ "$1" = install ] && ls /var/lib/apt/lists/*Packages* >/dev/null 2>&1 || exit 0
shift
[ "$(apt-cache show --no-all-versions "$@" | grep -c ^Package:)" = $# ]
END
cat >bin/ldconfig <<'END'
#!/bin/sh
exec /sbin/ldconfig -X -f /dev/null -C "$COPY/cache" "$COPY/root/usr/local/lib" "$@"
END
chmod +x bin/*
mkdir home/.luarocks
echo 'variables = { CFLAGS = "-O0 -fPIC" }' >home/.luarocks/config-5.4.lua
]]

local ENVIRONMENT <const> = [[
export HOME=$COPY/home LANG=C.UTF-8
export PATH=$COPY/bin:$COPY/root/usr/local/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin
export LUA_PATH="$COPY/root/usr/local/share/lua/5.4/?.lua;;"
export LUA_CPATH="$COPY/root/usr/local/lib/lua/5.4/?.so;;"
export LD_LIBRARY_PATH=$COPY/root/usr/local/lib PKG_CONFIG_PATH=$COPY/root/usr/local/lib/pkgconfig
export CMAKE_BUILD_TYPE=Debug CMAKE_BUILD_PARALLEL_LEVEL=$(nproc)
cd checkout
]]

local copy

-- Runs a script with bash in a folder. Returns what it prints; raises that if a command of it fails.
local function bash(folder, script)
  local path = folder .. "/script"
  local file <close> = assert(io.open(path, "wb"))
  file:write("set -euo pipefail\n", script)
  file:close()
  local line = ("cd %s && env -u LUA_INIT COPY=%s timeout 120 bash script </dev/null 2>&1; echo code $?")
  local pipe <close> = assert(io.popen(line:format(folder, folder)))
  local said, code = pipe:read("a"):match("^(.*)code (%d+)\n$")
  if code ~= "0" then error(("exit status %s\n%s…%s"):format(code, script, said:sub(-2000)), 0) end
  return said
end

local function make_copy()
  copy = ("%s/filemap-guides-%d"):format(os.getenv("TMPDIR") or "/tmp", process.pid())
  assert(os.execute("mkdir " .. copy))
  bash(copy, ("project=%q\n"):format(require("lfs").currentdir()) .. MAKE)
end

local function write(name, text)
  local file <close> = assert(io.open(("%s/checkout/%s"):format(copy, name), "wb"))
  file:write(text)
end

-- Kinds of blocks ----------------------------------------------------------------------------------------

-- The commands that install something and have run, in any block. They do not run again.
local installed = {}

-- Runs the commands of an entry's block, and then those of `entry.check`.
local function commands(entry)
  for name, text in pairs(entry.files or {}) do write(name, text()) end
  local text = entry.block.text:gsub("[^\n]+\n", function(line)
    if not line:find("^sudo ") and not line:find("^cmake ") then return nil end
    if installed[line] then return "" end
    installed[line] = true
  end)
  local script = { ENVIRONMENT, entry.environment or "", text, entry.check or "" }
  local said = bash(copy, table.concat(script, "\n"))
  for _, line in ipairs(entry.prints or {}) do assert.is_truthy(said:find(line, 1, true), said) end
  local promised = promise.of(entry.block.text:match("([^\n]*)\n$"))
  if promised then assert.is_truthy(said:match("([^\n]*)\n$"):find(promise.pattern(promised)), said) end
end

-- The C blocks of doc/c.md as one program. The first three use a map and a view.
local function guide_program()
  local blocks = {}
  for _, block in ipairs(guide.blocks("doc/c.md")) do
    if block.info == "c" then blocks[#blocks + 1] = block.text end
  end
  assert.equal(4, #blocks)
  return (([[
#include <filemap.h>
#include <stdio.h>
#include <string.h>
int main(void)
{
  fm_map *made;
  fm_view view;
  size_t offset = 8;
  if (fm_create(&made, "Local\\SampleMap", 4096, NULL, NULL) != FM_OK) return 2;
  %s
  fm_map_close(map);
  %s
  if (code != FM_OK || fm_view_open(&view, map, 0, 4096, FM_READ, &e) != FM_OK) return 3;
  %s
  printf("value %%u\n", (unsigned)value);
  { %s fm_dict_close(d); }
  fm_view_close(&view);
  fm_map_close(map);
  fm_map_close(made);
  return 0;
}]]):format(table.unpack(blocks)):gsub("SampleMap", support.unique())
    :gsub('"settings"', ('"%s"'):format(support.unique())))
end

-- Builds the program with CMake, as the block says, and runs it.
local function cmake_project(entry)
  write("project/program.c", guide_program())
  write("project/CMakeLists.txt", ("cmake_minimum_required(VERSION 3.21)\nproject(mine C)\n"
    .. "add_executable(my_program program.c)\n%s"):format(entry.block.text))
  local said = bash(copy, ENVIRONMENT .. [[
    export CFLAGS="-Wall -Wextra -Werror"
    cmake -S project -B project/build -DCMAKE_PREFIX_PATH="$PWD/PREFIX" && cmake --build project/build
    unset LD_LIBRARY_PATH
    project/build/my_program]])
  assert.is_truthy(said:find("value 0\n0.8\n$"), said)
end

-- The setting of LuaLS names a folder that `cmake --install` made.
local function editor_setting(entry)
  local settings = assert(json.decode(entry.block.text))
  local path = settings["Lua.workspace.library"][1]
  assert.same({ ["Lua.workspace.library"] = { path } }, settings)
  bash(copy, ("[ -s root%s/filemap.lua ] && [ -s root%s/filemap/struct.lua ]"):format(path, path))
end

-- Compiles and links the calls in C that doc/win32.md translates. win32_spec runs them.
local function for_windows(entry)
  write("calls.c", ("#include <windows.h>\n#include <stdio.h>\n#include <tchar.h>\nint main(void)\n{\n"
    .. 'TCHAR szMsg[] = TEXT("Message from first process.");\n%sreturn 0;\n}\n'):format(entry.block.text))
  bash(copy, "cd checkout; x86_64-w64-mingw32-gcc -DUNICODE -D_UNICODE calls.c -o calls.exe")
end

-- The commands of doc/foreign-memory.md find the memory of a process "player".
local function player(entry)
  bash(copy, [[ln -s "$(python3 -c 'import sys; print(sys.executable)')" bin/player]])
  local other <close> = process.spawn { copy .. "/bin/player", "-c",
    "import os, sys; os.memfd_create('frames'); print('READY', flush=True); sys.stdin.read()" }
  other:expect("^READY$")
  local said = bash(copy, entry.block.text)
  assert.is_truthy(said:find("-> /memfd:frames", 1, true), said)
  other:finish()
end

-- The entries --------------------------------------------------------------------------------------------

local function first_lua_block(page)
  return function() return guide.block(page, 'local filemap = require "filemap"\n').text end
end

-- An entry has a page and the beginning of its block. Other fields: `run` is for a block that is not a list
-- of commands; `needs` are programs other than lua5.4, cmake and gcc; `after` is an entry that must have run;
-- `files` and `environment` are what the page's text tells the reader to prepare; `check` are commands that
-- look at the result; `prints` is what the commands print.
local by_cmake <const> = { "README.md", "sudo apt-get update\n",
  check = "ldconfig -p | grep libfilemap.so.0.1 && filemap doctor --json" }
local by_luarocks <const> = { "README.md", "sudo apt-get install lua5.4 liblua5.4-dev luarocks gcc\n",
  needs = { "luarocks" }, check = [[
    unset LUA_PATH LUA_CPATH
    eval "$(luarocks --lua-version 5.4 path)"
    names=$(nm -D --defined-only --format=just-symbols "$HOME/.luarocks/lib/lua/5.4/filemap/core.so")
    [ "$names" = luaopen_filemap_core ]
    [ -s "$(luarocks --lua-version 5.4 show --rock-dir filemap)/types/config.json" ]
    ! luarocks --lua-version 5.4 show --modules filemap | grep cli || exit 1
    cd / && lua5.4 "$COPY/checkout/script/works.lua" && "$HOME/.luarocks/bin/filemap" doctor --json]] }
local to_prefix <const> = { "doc/c.md", "cmake -S . -B build " }

local here <const> = {
  by_cmake,
  by_luarocks,
  { "README.md", "sudo apt-get install pkg-config\n", needs = { "pkg-config" }, after = by_cmake,
    check = "wait", prints = { "°C, target 21.00, ", "order: target 21\n", "order: stop\n" } },
  to_prefix,
  { "doc/c.md", "find_package(", run = cmake_project, after = to_prefix },
  { "doc/c.md", "cc program.c ", needs = { "pkg-config" }, after = to_prefix,
    files = { ["program.c"] = guide_program }, environment = "export PKG_CONFIG_PATH=PREFIX/lib/pkgconfig",
    check = "LD_LIBRARY_PATH=PREFIX/lib ./program", prints = { "value 0\n0.8\n" } },
  { "doc/luajit.md", "cmake -S . -B build ", after = to_prefix },
  { "doc/luajit.md", "LUA_PATH=", needs = { "luajit" }, after = to_prefix,
    files = { ["program.lua"] = first_lua_block("doc/luajit.md") }, prints = { "Press Enter to end\n" } },
  { "doc/tutorial.md", "sudo apt-get install lua5.4 " },
  { "doc/tutorial.md", "sudo luarocks ", needs = { "luarocks" }, after = by_luarocks,
    environment = 'unset LUA_PATH LUA_CPATH\neval "$(luarocks --lua-version 5.4 path)"' },
  { "doc/tutorial.md", "lua5.4 first.lua\n", after = by_cmake,
    files = { ["first.lua"] = first_lua_block("doc/tutorial.md") }, prints = { "Press Enter to end\n" } },
  { "doc/foreign-memory.md", "ls -l /proc/$(pgrep -x player)/fd", run = player,
    needs = { "pgrep", "python3" } },
  { "doc/calls.md", '{ "Lua.workspace.library": ', run = editor_setting, after = by_cmake },
  { "doc/win32.md", "HANDLE hMapFile", run = for_windows, needs = { "x86_64-w64-mingw32-gcc" } },
}

-- A page, the beginning of a block, and the spec that runs it, or the reason why it cannot run here.
local elsewhere <const> = {
  { "README.md", "typedef struct {\n", "spec/guides_spec.lua" },
  { "README.md", "filemap list\n", "spec/cli_session_spec.lua" },
  { "doc/command.md", "filemap list\n", "spec/cli_session_spec.lua" },
  { "doc/command.md", "filemap dump ", "spec/cli_session_spec.lua" },
  { "doc/command.md", "filemap watch ", "spec/cli_session_spec.lua" },
  { "doc/command.md", "filemap get ", "spec/cli_session_spec.lua" },
  { "doc/command.md", "filemap record ", "spec/cli_session_spec.lua" },
  { "doc/command.md", "filemap replay ", "spec/cli_session_spec.lua" },
  { "doc/command.md", 'echo "lap 1" | filemap publish Lap --hold\n', "spec/cli_session_spec.lua" },
  { "doc/command.md", "filemap dict ", "spec/cli_session_spec.lua" },
  { "doc/across-machines.md", "filemap follow Lap --json ", "spec/cli_mqtt_spec.lua" },
  { "doc/across-machines.md", "mosquitto_sub ", "spec/cli_mqtt_spec.lua" },
  { "doc/across-machines.md", "filemap follow Lap\n", "spec/cli_mqtt_spec.lua" },
  { "doc/across-machines.md", "filemap receive Jobs ", "spec/cli_mqtt_spec.lua" },
  { "doc/across-machines.md", "filemap watch Telemetry ", "spec/cli_mqtt_spec.lua" },
  { "doc/foreign-memory.md", "-- attached.lua:", "spec/guides_spec.lua" },
  { "doc/foreign-memory.md", "ls -l /proc/$(pgrep -n wineserver)/fd ", "spec/guides_spec.lua" },
  { "doc/windows.md", "-- section.lua:", "spec/guides_spec.lua" },
  { "doc/windows.md", "-- bridge.lua:", "spec/guides_spec.lua" },
  { "doc/windows.md", "-- reader.lua:", "spec/guides_spec.lua" },
  { "doc/windows.md", 'cmake -S . -B build -G "MinGW Makefiles" ',
    "it needs Windows with MinGW; .ci/run and .github/workflows/ci.yml build with the same options" },
  { "doc/windows.md", "WINEPREFIX=", "it needs a game in a prefix; guides_spec runs the bridge under wine" },
}

-- The blocks of doc/c.md in C, which are one program.
for _, block in ipairs(guide.blocks("doc/c.md")) do
  if block.info == "c" then
    table.insert(elsewhere, { "doc/c.md", block.text, "a part of program.c" })
  end
end

-- Running ------------------------------------------------------------------------------------------------

local function missing(entry)
  if support.windows then return nil end
  for _, command in ipairs { "lua5.4", "cmake", "gcc", table.unpack(entry.needs or {}) } do
    if not os.execute(("command -v %s >/dev/null"):format(command)) then return command end
  end
end

-- Runs an entry once, after the one that it needs.
local function run(entry)
  if entry.ran then return end
  if entry.after then run(entry.after) end
  entry.block = guide.block(entry[1], entry[2]);
  (entry.run or commands)(entry)
  entry.ran = true
end

support.only("posix", "they are commands for Linux", function()
  describe("the blocks in other languages of", function()
    support.clean()
    if not support.windows then
      setup(make_copy)
      teardown(function() os.execute("rm -rf " .. copy) end)
    end

    for _, entry in ipairs(here) do
      local name = ("%s run: line %d"):format(entry[1], guide.block(entry[1], entry[2]).line)
      local lacks = missing(entry)
      if lacks then pending(("%s (%s is not installed)"):format(name, lacks))
      else it(name, function() run(entry) end) end
    end
  end)
end)

describe("each block of README and of the guides", function()
  local function count_of(entries, block)
    local count = 0
    for _, entry in ipairs(entries) do
      if entry[1] == block.page and block.text:sub(1, #entry[2]) == entry[2] then count = count + 1 end
    end
    return count
  end

  it("is run by a spec, or has a reason why it is not", function()
    local total = 0
    for _, page in ipairs(guide.pages) do
      for _, block in ipairs(guide.blocks(page)) do
        if block.info ~= "lua" then
          local count = count_of(here, block) + count_of(elsewhere, block)
          assert(count == 1, ("%s:%d: %d entries"):format(page, block.line, count))
          total = total + 1
        end
      end
    end
    assert.equal(#here + #elsewhere, total)
  end)

  it("is read by the spec that is named", function()
    for _, entry in ipairs(elsewhere) do
      local file <close> = io.open(entry[3])
      if entry[3]:find("^spec/") then
        local text = assert(file, entry[3]):read("a")
        assert(text:find(entry[1], 1, true) or text:find("guide.pages", 1, true), entry[3])
      end
    end
  end)
end)
