-- filemap against programs that are not ours: python3's mmap, and on Windows two C programs that make the
-- classic Win32 calls.
local filemap = require "filemap"
local process = require "process"
local support = require "spec.support"

-- Starts a program and waits for its READY.
local function start(...)
  local program = process.spawn { ... }
  assert.equal("READY", program:read(support.deadline))
  return program
end

local function ask(program, line)
  assert(program:write(line .. "\n"))
  return assert(program:read(support.deadline))
end

local function finish(program)
  program:close_input()
  assert.equal(0, program:wait(support.deadline))
end

local function to_hex(s)
  return (s:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

local function python(...)
  return start("python3", "spec/counterpart/segment.py", ...)
end

-- Both sides write, and both see it, at offsets that are no page's.
local function exchange(view, other)
  view:set_string(5, "from Lua")
  view:set_f64(4093, 0.1)
  assert.equal(to_hex("from Lua"), ask(other, "get 5 8"))
  assert.equal(to_hex(string.pack("d", 0.1)), ask(other, "get 4093 8"))
  assert.equal("done", ask(other, "put 4999 " .. to_hex(string.pack("B", 200))))
  assert.equal("done", ask(other, "put 1001 " .. to_hex(string.pack("i4", -123456789))))
  assert.equal(200, view:get_u8(4999))
  assert.equal(-123456789, view:get_i32(1001))
end

describe("python3's mmap", function()
  support.clean()
  local only = support.only("posix", "there is no python3 among the Windows programs")

  only("opens a /name that filemap made", function()
    local name = support.unique("/")
    local map <close> = assert(filemap.create(name, 5000))
    local view <close> = assert(map:view())
    local other = python("/dev/shm" .. name, "open")
    assert.equal("5000", ask(other, "size"))
    exchange(view, other)
    finish(other)
    assert.is_true(filemap.unlink(name))
  end)

  only("makes a /name that filemap opens", function()
    local name = support.unique("/")
    local other = python("/dev/shm" .. name, "create", "5000")
    local map <close> = assert(filemap.open(name, "rw"))
    assert.equal(5000, map:size())
    exchange(assert(map:view()), other)
    finish(other)
    assert.equal(5000, assert(filemap.open(name)):size())
    assert.is_true(filemap.unlink(name))
  end)

  only("maps a file that filemap made", function()
    local path = support.tmpname("bin")
    local map <close> = assert(filemap.file(path, "rw", { size = 5000 }))
    local other = python(path, "open")
    assert.equal("5000", ask(other, "size"))
    exchange(assert(map:view()), other)
    finish(other)
  end)

  only("makes a file that filemap maps", function()
    local path = support.tmpname("bin")
    local other = python(path, "create", "5000")
    local map <close> = assert(filemap.file(path, "rw"))
    assert.equal(5000, map:size())
    exchange(assert(map:view()), other)
    finish(other)
  end)
end)

describe("the classic Win32 programs", function()
  support.clean()
  local only = support.only("win32", "they are Windows programs")
  local folder = "build\\mingw\\spec\\"

  only("share what the server wrote, and read what we write", function()
    local server = start(folder .. "classic_server.exe")
    local map <close> = assert(filemap.open([[Local\SampleMap]], "rw"))
    assert.equal(65536, map:size())
    local view <close> = assert(map:view(0, 1024))
    assert.equal("Message from the first process.", view:get_utf16(0))
    view:set_utf16(0, "héllo 🌍", 512)
    assert.equal("héllo 🌍", ask(server, ""))
    finish(server)
  end)

  only("read as a client what we share", function()
    local map <close> = assert(filemap.create([[Local\SampleMap]], 65536))
    local view <close> = assert(map:view(0, 1024))
    view:set_utf16(0, "Сообщение 🌍", 512)
    local client = start(folder .. "classic_client.exe")
    assert.equal("Сообщение 🌍", client:read(support.deadline))
    finish(client)
  end)

  only("and ours cannot create what the server holds", function()
    local server = start(folder .. "classic_server.exe")
    local map, message, code, native = filemap.create([[Local\SampleMap]], 10)
    assert.is_nil(map)
    assert.equal([[Local\SampleMap]], message:match("^(.-):"))
    assert.same({ "exists", 183 }, { code, native })
    ask(server, "")
    finish(server)
    assert.equal("not_found", select(3, filemap.open([[Local\SampleMap]])))
  end)
end)
