-- The programs of examples/c, which talk to Lua scripts as real processes. They are built in filemap's own
-- build, and, outside of this tree, against an installed filemap: by CMake's find_package and by pkg-config.
--
-- FILEMAP_C_EXAMPLES in the environment is a folder with the programs, built in another way: then only those
-- run.
local filemap = require "filemap"
local mailslot = require "filemap.mailslot"
local process = require "process"
local state = require "filemap.state"
local support = require "spec.support"

local build = package.searchpath("process", package.cpath):match("^(.*[/\\])[^/\\]+[/\\][^/\\]+$")
local separator = package.config:sub(1, 1)

-- Building --------------------------------------------------------------------------------------------

-- Runs shell commands with `folder` in $folder, the build in $build, and in $made the folder of the Lua that
-- the build was made for, if it is not an installed one. Raises their output if one fails.
local function shell(folder, commands)
  local whole = [[(set -e; folder='%s' build='%s'
    made=$(sed -n 's/^FILEMAP_LUA_DIR:[A-Z]*=//p' "$build/CMakeCache.txt")
    %s) 2>&1; echo code $?]]
  local said <close> = assert(io.popen(whole:format(folder, build, commands)))
  local text = said:read("a")
  if not text:find("code 0\n$") then error(text, 2) end
end

-- Installs the build that these specs run with, moves what was installed, and copies the examples out of this
-- tree.
local INSTALL <const> = [[
  rm -rf "$folder"; mkdir -p "$folder/bin"
  cmake --install "$build" --prefix "$folder/at-first"
  mv "$folder/at-first" "$folder/prefix"
  cp -r examples/c "$folder/examples"
]]

local BY_CMAKE <const> = [[
  [ -z "$made" ] || set -- -DLUA_INCLUDE_DIR="$made/include" "-DLUA_LIBRARIES=$made/liblua.a;m;dl"
  cmake "$@" -S "$folder/examples" -B "$folder/build" -DCMAKE_PREFIX_PATH="$folder/prefix" \
    -DCMAKE_RUNTIME_OUTPUT_DIRECTORY="$folder/bin" -DCMAKE_C_FLAGS="-Wall -Wextra -Werror" \
    -DCMAKE_CXX_FLAGS="-Wall -Wextra -Werror"
  cmake --build "$folder/build"
]]

local BY_PKG_CONFIG <const> = [[
  libraries=$(dirname "$(echo "$folder"/prefix/lib*/pkgconfig)")
  export PKG_CONFIG_PATH="$libraries/pkgconfig"
  for lua in lua5.4 lua-5.4 lua54 lua; do pkg-config --exists $lua && break; done
  lua=$(pkg-config --cflags --libs $lua)
  [ -z "$made" ] || lua="-I$made/include $made/liblua.a -lm -ldl"
  cd "$folder/examples"
  flags="-Wall -Wextra -Werror -Wl,-rpath,$libraries"
  gcc -std=c11 thermostat.c $flags $(pkg-config --cflags --libs filemap) -o ../bin/thermostat
  g++ -std=c++11 monitor.cpp $flags $(pkg-config --cflags --libs filemap) -o ../bin/monitor
  gcc -std=c11 embed.c $flags $(pkg-config --cflags --libs filemap-lua) $lua -o ../bin/embed
]]

local function has(...)
  for _, command in ipairs(support.windows and {} or { ... }) do
    if not os.execute(("command -v %s >/dev/null"):format(command)) then return false, command end
  end
  return true
end

-- Talking ---------------------------------------------------------------------------------------------

local function lines_of(child)
  local running <close>, lines = child, {}
  local line = running:read(support.deadline)
  while line do
    lines[#lines + 1] = line
    line = running:read(support.deadline)
  end
  running:finish()
  return lines
end

local function script(name, ...)
  return process.spawn { support.lua, "examples/c/thermostat.lua", env = { EXAMPLE_NAME = name }, ... }
end

-- The specs of the programs in where.bin. Their scripts in Lua are where.lua.
local function talk(where)
  local function spawn(program, ...)
    return process.spawn { where.bin .. program, env = { LUA_PATH = where.lua, LUA_CPATH = "?" }, ... }
  end

  it("take orders from a script in Lua, and publish readings to it", function()
    local name = support.unique("Local\\")
    local host <close> = spawn("thermostat", name)
    host:expect("^READY$")
    local lines = lines_of(script(name, "20"))
    assert.is_truthy(lines[#lines]:find("target 20.00", 1, true), lines[#lines])
    local temperature = tonumber(lines[#lines]:match("^[%d.]+"))
    assert.is_true(math.abs(temperature - 20) <= 0.25, lines[#lines])
    host:expect("^order: target 20$")
    assert.same({}, lines_of(script(name, "stop")))
    host:expect("^order: stop$")
    host:finish()
    assert.are.equal("not_found", select(3, state.open(name)))
    assert.are.equal("not_found", select(3, mailslot.open(name .. ".orders")))
  end)

  it("in C++ talk to a program in C", function()
    local name = support.unique("Local\\")
    local host <close> = spawn("thermostat", name)
    host:expect("^READY$")
    local lines = lines_of(spawn("monitor", "16.5", name))
    assert.is_truthy(lines[#lines]:find("^16%.%d+ of 16%.5"), lines[#lines])
    host:expect("^order: target 16.5$")
    assert.same({}, lines_of(script(name, "stop")))
    host:expect("^order: stop$")
    host:finish()
  end)

  it("in C++ send orders to a script in Lua, and read what it publishes", function()
    local name = support.unique("Local\\")
    local readings <close> = assert(state.create(name, 24))
    local orders <close> = assert(mailslot.create(name .. ".orders"))
    readings:publish(string.pack("ddi4i4", 18, 18, 0, 0))
    local monitor <close> = spawn("monitor", "21.5", name)
    assert.are.equal("target 21.5", orders:receive(support.deadline))
    monitor:expect("^18 of 18, off$")
    readings:publish(string.pack("ddi4i4", 20, 21.5, 1, 1))
    monitor:expect("^20 of 21.5, heating$")
    readings:publish(string.pack("ddi4i4", 21.5, 21.5, 0, 1))
    monitor:expect("^21.5 of 21.5, off$")
    monitor:finish()
  end)

  it("share a view with the script that they embed, and its name with other processes", function()
    local name = support.unique("Local\\")
    local embed <close> = spawn("embed", "examples/c/embed.lua", name)
    embed:expect("^the script sees Ann, in 28 bytes with access rw$")
    embed:expect("^Ann is at %(3%.0, 4%.0%), score 10$")
    local map <close> = assert(filemap.open(name))
    local view <close> = assert(map:view())
    assert.same({ 3, 4, 10, "Ann" },
      { view:get_f32(0), view:get_f32(4), view:get_u32(8), view:get_cstring(12) })
    embed:finish()
  end)

  it("report a failure with its name, message and code", function()
    local name = support.unique("Local\\")
    local command = ('"%smonitor" 20 "%s" 2>&1'):format(where.bin, name)
    local said <close> = assert(io.popen(support.windows and ('"%s"'):format(command) or command))
    local line = said:read("a"):match("[^\r\n]*")
    local prefix = ("monitor: %s.orders: it does not exist"):format(name)
    assert.are.equal(prefix, line:sub(1, #prefix))
    assert.are.equal("(not_found)", line:match("%S+$"))
  end)
end

-- Ways to build ---------------------------------------------------------------------------------------

support.clean()

local given = os.getenv("FILEMAP_C_EXAMPLES")
if given then
  describe("the C examples in FILEMAP_C_EXAMPLES", function()
    talk { bin = given .. separator, lua = package.path }
  end)
  return
end

if support.foreign == "musl" then
  pending("the C examples of filemap's own build (Debian has no compiler of C++ for musl)")
elseif support.windows or has("g++") then
  describe("the C examples of filemap's own build", function()
    talk { bin = build .. "bin" .. separator, lua = package.path }
  end)
else pending("the C examples of filemap's own build (g++ is not installed)") end

local function outside(which, commands, ...)
  local there, command = has(...)
  local why = support.windows and "wine runs no compiler: .ci/run builds them with MinGW"
    or support.foreign and "gcc and g++ build for this machine, and the build is for another"
    or support.sanitized and "the installed libraries would need the sanitizer too"
    or not there and command .. " is not installed"
  if why then return pending(("the C examples built by %s against an install (%s)"):format(which, why)) end
  local folder = ("/tmp/filemap-%s-%d"):format(which, process.pid())
  describe("the C examples built by " .. which .. " against an install", function()
    setup(function() shell(folder, INSTALL .. commands) end)
    teardown(function() os.execute("rm -rf " .. folder) end)
    local version = _VERSION:match("[%d.]+$")
    talk { bin = folder .. "/bin/", lua = ("%s/prefix/share/lua/%s/?.lua"):format(folder, version) }
  end)
end

outside("CMake", BY_CMAKE, "cmake", "g++")
outside("pkg-config", BY_PKG_CONFIG, "cmake", "g++", "pkg-config")
