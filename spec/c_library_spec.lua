-- Channels between scripts and programs in C that use the library under the module
-- (spec/counterpart/channels.c and dictionary.c). The programs have this machine's word size and, if the
-- compiler supports it, 32 bits.
local check = require "spec.support.check"
local dict = require "filemap.dict"
local exports = require "spec.support.exports"
local filemap = require "filemap"
local mailslot = require "filemap.mailslot"
local pipe = require "filemap.pipe"
local process = require "process"
local state = require "filemap.state"
local support = require "spec.support"
local sync = require "filemap.sync"

local folder = package.searchpath("process", package.cpath):match("^(.*[/\\])")
local programs = { ["of this machine's word size"] = "" } -- what the names of the programs end with

-- Builds the 32-bit programs once, next to the other programs.
local function build_32()
  local command = [[exec 2>%schannels32.log; library=$(mktemp)
    gcc -std=gnu11 -O2 -m32 -r -nostdlib -o "$library" $(find src -name '*.c' ! -path 'src/lua/*') &&
    gcc -std=gnu11 -O2 -m32 -o %schannels32 spec/counterpart/channels.c "$library" -pthread -ldl &&
    gcc -std=gnu11 -O2 -m32 -o %sdictionary32 spec/counterpart/dictionary.c "$library" -pthread -ldl
    status=$?; rm "$library"; exit $status]]
  return os.execute(command:format(folder, folder, folder)) and "32"
end

support.clean()

if support.foreign == "s390x" then
  pending("a program in C of 32 bits (gcc makes it for this machine, whose byte order is another)")
elseif not support.windows then
  local small = build_32()
  if small then programs["of 32 bits"] = small
  elseif os.getenv("CI") then error("gcc -m32 does not work: see " .. folder .. "channels32.log")
  else pending("a program in C of 32 bits (gcc -m32 does not work here)") end
end

for which, ending in pairs(programs) do
  describe("a program in C " .. which, function()
    local function run(mode, name)
      local child = process.spawn { folder .. "channels" .. ending, mode, name }
      child:expect("^READY$")
      return child
    end

    it("echoes messages through a pipe", function()
      local name = support.unique("Local\\")
      local listener <close> = assert(pipe.listen(name, { capacity = 1000 }))
      local child <close> = run("echo", name)
      local conn = assert(listener:accept(support.deadline))
      for length = 0, 1000, 7 do
        local message = string.char(length % 256):rep(length)
        assert.is_true(conn:send(message))
        assert.equal(message, conn:receive(support.deadline))
      end
      conn:close()
      child:expect("^done$")
      child:finish()
    end)

    it("publishes to a state, which a script takes over after the program has ended", function()
      local name = support.unique("Local\\")
      local child <close> = run("publish", name)
      local reader <close> = assert(state.open(name))
      assert.same({ "value 3", 3 }, { reader:wait(2, support.deadline) })
      child:finish()
      local writer <close> = assert(state.create_or_open(name, 100))
      writer:publish("ours")
      assert.same({ "ours", 4 }, { reader:read() })
    end)

    it("uses a dictionary by each call, and finds and leaves what the calls tell", function()
      local name = support.unique("Local\\")
      local d <close> = assert(dict.create_or_open(name, { capacity = 12800 }))
      d:set("text", "from Lua")
      d:set("float", 0.25)
      d:set("boolean", false)
      d:set("integer", math.mininteger)
      local child <close> = process.spawn { folder .. "dictionary" .. ending, name }
      local function says(...)
        for _, line in ipairs { ... } do assert.equal(line, child:expect()) end
      end
      says("READY", "name " .. name, "text = string from Lua (1)", "float = float 0.25 (2)",
        "boolean = boolean false (3)", "integer = integer -9223372036854775808 (4)",
        "found = integer -9223372036854775808 (4)", "done 1", "sum = integer 11 (0)", "number 0",
          "existed 1 0")
      assert.equal(1, (d:wait("asks", 0, support.deadline)))
      local found = {}
      for key, value in d:pairs() do found[key] = value end
      assert.same({ text = "from Lua", boolean = false, integer = 10, asks = 1, counter = 11,
        ["c text"] = "from C, again", ["c float"] = 0.5, ["c boolean"] = true }, found)
      assert.equal("integer", math.type(found.integer))
      assert.equal("float", math.type(found["c float"]))
      d:set("answers", ("x"):rep(300))
      child:expect("^answers = string " .. ("x"):rep(300) .. " %(%d+%)$")
      says("c text = string from C, again (0)", "9 keys, 9 counted, 1408 of 12800 bytes", "created 1")
      assert.equal(0, d:info().count)
      local own <close> = assert(dict.open(name .. "-own"))
      assert.same({ 20, 20 }, { own:get("even") })
      assert.same({ count = 2, used = 256, capacity = 1024 }, own:info())
      child:finish()
    end)

    it("sends messages to a mailslot", function()
      local name = support.unique("Local\\")
      local slot <close> = assert(mailslot.create(name))
      local child <close> = run("send", name)
      for i = 1, 3 do assert.equal("message " .. i, slot:receive(support.deadline)) end
      child:expect("^done$")
      child:finish()
    end)

    it("holds a mutex against a script, and abandons it when it is killed", function()
      local name = support.unique("Local\\")
      local mutex <close> = sync.mutex(name)
      local child <close> = run("lock", name)
      check.fails("timeout", name, mutex:lock(0))
      child:finish()
      assert.same({ true }, { mutex:lock(support.deadline) })
      mutex:unlock()
      local other <close> = run("lock", name)
      other:kill()
      assert.same({ true, "abandoned" }, { mutex:lock(support.deadline) })
      mutex:unlock()
    end)
  end)
end

-- The lines of spec/counterpart/options.c, by case.
local function run_options()
  local child <close> = process.spawn { folder .. "options", support.unique("Local\\") }
  local results = {}
  local line = child:read(support.deadline)
  while line do
    local case, result = line:match("^(.-): (.-)%s*$")
    results[case] = result
    line = child:read(support.deadline)
  end
  child:finish()
  return results
end

local UNSET <const> = "invalid the options' struct_size must be set, got 0"

describe("the C library", function()
  it("has the version of its header, which is the Lua module's", function()
    assert.are.equal(require("filemap")._VERSION, "filemap " .. run_options().version)
  end)

  it("gives fields that an older program's options do not have their defaults", function()
    local results = run_options()
    assert.are.equal("ok rw", results["NULL"])
    assert.are.equal("ok rw", results["all fields"])
    assert.are.equal("ok copy", results["two fields"])
    assert.are.equal("ok rw", results["one field"])
    assert.are.equal("ok counts to 1", results["semaphore, NULL"])
    assert.are.equal("ok counts to 3", results["semaphore, all fields"])
    assert.are.equal("ok counts to 3", results["semaphore, four fields"])
    assert.are.equal("ok counts to 1", results["semaphore, three fields"])
  end)

  it("rejects options with a struct_size of 0 or of a newer header as invalid", function()
    local results = run_options()
    for _, object in ipairs { "", "semaphore, " } do
      assert.are.equal(UNSET, results[object .. "struct_size 0"])
      assert.is_truthy(results[object .. "a longer structure"]:find(
        "^invalid the options' struct_size %d+ is greater than this library's %d+$"))
    end
    for _, call in ipairs { "fm_open", "fm_create_or_open", "fm_file", "fm_state_create",
                            "fm_state_create_or_open", "fm_mailslot_create", "fm_pipe_listen" } do
      assert.are.equal(UNSET, results[call])
    end
  end)

  it("rejects channels without a name and unknown sync objects as invalid", function()
    local results = run_options()
    for _, channel in ipairs { "state", "mailslot", "pipe" } do
      assert.are.equal("invalid a channel must have a name", results[channel .. " without a name"])
    end
    assert.are.equal("invalid there is no kind of sync object 3", results["unknown kind"])
    assert.are.equal("invalid there is no kind of sync object 100000000", results["far kind"])
  end)

  it("rejects numbers out of range, unknown waitables and text to add as invalid or too_large", function()
    local results = run_options()
    assert.are.equal("too_large size 18446744073709551615 is past the limit of 2^63-1 bytes",
      results["huge map"])
    local most = "invalid max must be between 1 and 2^31-1, got "
    assert.are.equal(most .. "0", results["semaphore up to 0"])
    assert.are.equal(most .. (1 << 31), results["semaphore up to 2^31"])
    assert.are.equal("invalid the initial count 3 is past the semaphore's max of 2",
      results["semaphore from 3"])
    local count = "invalid count must be between 1 and 2^31-1, got "
    assert.are.equal(count .. "0", results["post of 0"])
    assert.are.equal(count .. (1 << 31), results["post of 2^31"])
    assert.are.equal("invalid count must be 1 for a mutex or an event, got 2",
      results["post of 2 to an event"])
    assert.are.equal("invalid there is no kind of object 9 to wait for", results["waitable"])
    assert.are.equal("0", results["waitable's index"])
    assert.are.equal("invalid only numbers can be added", results["increment by text"])
    assert.are.equal("invalid only numbers can be added", results["increment from text"])
  end)

  it("rejects modes that are not permissions, or do not let the owner read, as invalid", function()
    local results = run_options()
    for _, object in ipairs { "map", "mutex" } do
      for _, mode in ipairs { "4600", "2600", "1600", "0", "200", "10600" } do
        assert.are.equal("invalid mode must be permissions up to 0777 that let the owner read, got 0" .. mode,
          results[object .. " of mode " .. mode])
      end
      for _, mode in ipairs { "777", "400" } do
        assert.are.equal("ok", results[object .. " of mode " .. mode])
      end
    end
  end)

  it("takes NULL for a message, a value and a part of a stream of 0 bytes", function()
    local results = run_options()
    for _, call in ipairs { "publish", "send", "write" } do
      assert.are.equal("ok", results[call .. " no bytes"])
    end
    for _, call in ipairs { "read no bytes", "receive no bytes", "read no bytes of the ring",
                            "read no bytes ahead" } do
      assert.are.equal("ok empty", results[call])
    end
  end)

  it("changes numbers in one step, and returns what they were", function()
    local results = run_options()
    assert.are.equal("240 255 15 63 8 8", results["changes"])
    assert.are.equal("1 0 1", results["compares"])
    assert.are.equal("1 1", results["wraps"])
  end)

  it("converts text between UTF-8 and wide text of both byte orders, if it fits", function()
    local results = run_options()
    for case, units in pairs { ["2"] = 6, ["2 swapped"] = 6, ["4"] = 5, ["4 swapped"] = 5 } do
      assert.are.equal(("%d units, 1, %d, Jö 🌍\u{FFFD}"):format(units, units), results["text of " .. case])
    end
  end)

  it("rejects unknown hints as invalid", function()
    local results = run_options()
    assert.are.equal("ok", results["last hint"])
    assert.are.equal("invalid there is no hint 5", results["unknown hint"])
    assert.are.equal("invalid there is no hint 100000000", results["far hint"])
  end)

  it("rejects ranges whose end is past 2^64 as invalid", function()
    local results = run_options()
    for _, call in ipairs { "view", "slice", "check", "flush" } do
      assert.are.equal("invalid offset 18446744073709551566 + 100 bytes is past its end at 100",
        results[call .. " of a far range"])
    end
  end)
end)

describe("a program in C that waits", function()
  local function run(mode, name)
    local child = process.spawn { folder .. "waits", mode, name }
    child:expect("^READY$")
    return child
  end

  local function ends(child)
    child:expect("^done$")
    child:finish()
  end

  it("notices the numbers that a script changes, and wakes the script", function()
    local name = support.unique("Local\\")
    local map <close> = assert(filemap.create(name, 4096))
    local view <close> = assert(map:view())
    local child <close> = run("numbers", name)
    view:store_u32(0, 40)
    view:wake(0)
    view:store_u64(8, 2)
    assert.equal(42, view:wait_u64(16, 0, support.deadline))
    ends(child)
  end)

  it("acquires the event that a script sets, and no other object", function()
    local name = support.unique("Local\\")
    local child <close> = run("any", name)
    local event <close> = assert(sync.event(name .. ".event", { existing = true }))
    local slot <close> = assert(mailslot.open(name .. ".slot"))
    event:set()
    child:expect("^acquired$")
    slot:send("mail")
    ends(child)
  end)

  it("polls the handles of a mailslot and an event that a script uses", function()
    local name = support.unique("Local\\")
    local child <close> = run("poll", name)
    local slot <close> = assert(mailslot.open(name .. ".slot"))
    local event <close> = assert(sync.event(name .. ".event", { existing = true }))
    slot:send("mail")
    child:expect("^received$")
    event:set()
    ends(child)
  end)

  it("follows a file that a script appends to", function()
    local path = support.tmpname()
    local file = assert(io.open(path, "wb"))
    file:write(("x"):rep(100))
    file:close()
    local child <close> = run("refresh", path)
    file = assert(io.open(path, "ab"))
    file:write(("y"):rep(100))
    file:close()
    ends(child)
  end)

  it("sleeps as long as it asked for", function()
    ends(run("clock", "no name"))
  end)
end)

describe("a view that a C program pushes to its script", function()
  it("has the access that the program gives, and a life of its own", function()
    local child <close> = process.spawn { folder .. "host" }
    child:expect("^writes: 4096 bytes, rw$")
    child:expect("^shares: 77$")
    child:expect("^read%-only: raised .*read%-only")
    child:expect("^more than it gives: denied, 0 left on the stack$")
    child:expect("^no access: invalid, 0 left on the stack$")
    child:expect("^private copy: 78$")
    child:expect("^closes its own: true$")
    child:expect("^the program's is open: 77$")
    child:expect("^keeps: kept$")
    child:expect("^closed: closed, 0 left on the stack$")
    child:expect("^outlives: closed, 0 left on the stack$")
    child:expect("^kept: 77$")
    child:finish()
  end)
end)

-- The names of functions that a header declares with FM_API, in alphabetical order.
local function declared(path)
  local file <close> = assert(io.open(path, "rb"))
  local names = {}
  for name in file:read("a"):gmatch("\nFM_API [^\n]-(fm_[%w_]+)%(") do names[#names + 1] = name end
  table.sort(names)
  assert.is_true(#names > 50)
  return names
end

describe("the exported names", function()
  local build = folder:match("^(.*[/\\])[^/\\]+[/\\]$")
  local abi = require("filemap")._VERSION:match("%d+%.%d+")
  local dll = support.windows and ("%sbin\\libfilemap-%s.dll"):format(build, abi)

  it("of the shared library are those that the header declares", function()
    assert.same(declared("include/filemap.h"), exports.of(dll or build .. "libfilemap.so"))
  end)

  it("of the Lua module are its luaopen function alone", function()
    assert.same({ "luaopen_filemap_core" }, exports.of(package.searchpath("filemap.core", package.cpath)))
  end)
end)

-- A translation unit that uses what the headers define besides declarations.
local UNIT <const> = [[
#include <filemap.h>
#include <filemap.h>
int main(void)
{
  fm_options o = fm_default_options();
  fm_sync_options s = fm_default_sync_options();
  const fm_view *v = 0;
  return o.commit && s.max == 1 && fm_version() == FILEMAP_VERSION && FILEMAP_VERSION_STRING[0] && !v
    ? FM_OK : fm_view_is_lost(v);
}
]]

support.only("posix", "wine runs no compiler", function()
  describe("the header", function()
    support.clean()

    local function compile(command)
      local path = support.tmpname(".c")
      local file <close> = assert(io.open(path, "w"))
      file:write(UNIT)
      file:flush()
      local whole = ("%s -Iinclude -fsyntax-only %s 2>&1"):format(command, path)
      local said <close> = assert(io.popen(whole))
      assert.are.equal("", said:read("a"))
    end

    for _, standard in ipairs { "c99", "c11", "c17" } do
      it("compiles without warnings as " .. standard, function()
        compile(("gcc -std=%s -Wall -Wextra -Wpedantic"):format(standard))
      end)
    end

    for _, standard in ipairs { "c++11", "c++20" } do
      support.having("g++", it)("compiles without warnings as " .. standard, function()
        compile(("g++ -std=%s -Wall -Wextra -Wpedantic -x c++"):format(standard))
      end)
    end

    support.having("luajit", it)("can be declared to LuaJIT's ffi, preprocessed", function()
      local command = "gcc -E -P include/filemap.h | luajit -e '%s'"
      local program = [[require("ffi").cdef(io.read("*a")) print(require("ffi").sizeof("fm_error") > 200)]]
      local said <close> = assert(io.popen(command:format(program)))
      assert.are.equal("true\n", said:read("a"))
    end)
  end)
end)
