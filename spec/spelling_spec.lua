-- Names and paths in any script, and paths of any length, shared by two processes. On Windows a C program
-- opens them with the real calls too.
local filemap = require "filemap"
local lfs = require "lfs"
local process = require "process"
local support = require "spec.support"
local sync = require "filemap.sync"
local win32 = require "filemap.win32"

local folder = package.searchpath("process", package.cpath):match("^(.*[/\\])")

local SCRIPTS <const> = {
  Cyrillic = "Память", Greek = "κοινή", Chinese = "共享内存", Japanese = "メモリ", Korean = "메모리", Hebrew = "זיכרון",
  emoji = "🧠🌍👩‍🚀", mixed = "Ünïcode 内 🌍.ü",
}

support.clean()

-- Has a child open a map by this call, and returns the string that it reads at offset 0.
local function child_reads(call, ...)
  local child = support.child("evaluator")
  local said = child:ask("m = assert(" .. call .. ") v = m:view() return v:get_cstring(0)", ...)
  child:finish()
  return said
end

describe("a name", function()
  for script, word in pairs(SCRIPTS) do
    it("stands for the same section in another process, written in " .. script, function()
      local name = support.unique("Local\\") .. word
      local map <close> = assert(filemap.create(name, 100))
      local view <close> = assert(map:view())
      view:set_cstring(0, word, 100)
      assert.equal(word, child_reads("filemap.open(%q)", name))
      assert.equal(word, child_reads("filemap.open(%q)", (name:gsub("^Local\\", ""))))
      assert.equal("not_found", select(3, filemap.open(name .. "x")))
      assert.equal(name, map:name())
      local _, message = filemap.create(name, 100)
      assert.equal(name .. ": ", message:sub(1, #name + 2))
    end)

    it("can be that of a mutex, written in " .. script, function()
      local name = support.unique("Local\\") .. word
      local mutex <close> = assert(sync.mutex(name))
      assert.is_true(mutex:lock())
      local child = support.child("evaluator")
      assert.equal("timeout", child:ask("m = sync.mutex(%q, { existing = true }) return m:lock(0)", name))
      assert.is_true(mutex:unlock())
    end)
  end

  local only_win32 = support.only("win32", "the program is a Windows program")

  only_win32("is found by the real calls, written in each script", function()
    local program = process.spawn { folder .. "win32_calls" }
    program:expect("^READY$")
    for script, word in pairs(SCRIPTS) do
      local name = support.unique("Local\\") .. word
      local _ <close> = assert(filemap.create(name, 100))
      assert(program:write(("-\tOpenFileMapping\tFILE_MAP_READ\tFALSE\t\"%s\n"):format(name)))
      assert.equal("handle\tunchanged", program:expect(), script)
    end
    program:finish()
  end)
end)

describe("a path", function()
  for script, word in pairs(SCRIPTS) do
    it("stands for the same file in another process, written in " .. script, function()
      local path = support.tmpname(word)
      local map <close> = assert(filemap.file(path, "rw", { size = 100 }))
      local view <close> = assert(map:view())
      view:set_cstring(0, word, 100)
      assert.equal(word, child_reads("filemap.file(%q)", path))
      local file <close> = win32.CreateFile(path, win32.GENERIC_READ,
        win32.FILE_SHARE_READ | win32.FILE_SHARE_WRITE,
        nil, win32.OPEN_EXISTING)
      local other <close> = assert(win32.CreateFileMapping(file, nil, win32.PAGE_READONLY, 0, 0, nil))
      local seen <close> = assert(win32.MapViewOfFile(other, win32.FILE_MAP_READ, 0, 0, 0))
      assert.equal(word, seen:get_cstring(0))
    end)
  end
end)

-- The folder's path and each of its parts stay short enough for the functions that remove the folder.
describe("a path of more than 260 characters", function()
  local long, path

  before_each(function()
    long = support.tmpname(("long-"):rep(24))
    assert(lfs.mkdir(long))
    path = long .. package.config:sub(1, 1) .. ("длинный-"):rep(12) .. ("x"):rep(20)
    assert.is_true(utf8.len(path) > 260, path)
  end)

  -- On Windows Lua's own os.remove fails for paths of more than 260 characters.
  after_each(function()
    if support.windows then
      win32.CloseHandle((win32.CreateFile(path, win32.GENERIC_READ, 7, nil, win32.OPEN_EXISTING,
        win32.FILE_FLAG_DELETE_ON_CLOSE)))
    else
      os.remove(path)
    end
    assert(lfs.rmdir(long))
  end)

  it("is mapped, grown and read by another process", function()
    do
      local map <close> = assert(filemap.file(path, "rw", { size = 5000 }))
      local view <close> = assert(map:view())
      view:set_cstring(0, "far down", 100)
      assert.equal("far down", child_reads("filemap.file(%q)", path))
    end
    local map <close> = assert(filemap.file(path, "rw"))
    assert.equal(5000, #map)
    assert.is_true(map:resize(10000))
    assert.equal(10000, #map)
  end)

  it("is opened by CreateFile", function()
    local file <close> = win32.CreateFile(path, win32.GENERIC_READ | win32.GENERIC_WRITE, 7, nil,
      win32.CREATE_NEW)
    local map <close> = assert(win32.CreateFileMapping(file, nil, win32.PAGE_READWRITE, 0, 10, nil))
    assert.equal(10, #map)
    assert.equal(-1, (win32.CreateFile(path, win32.GENERIC_READ, 7, nil, win32.CREATE_NEW)))
    assert.equal(80, win32.GetLastError())
  end)

  it("is named by the message of a call that fails", function()
    local _, message, code = filemap.file(path)
    assert.equal("not_found", code)
    assert.equal(path .. ": ", message:sub(1, #path + 2))
  end)
end)
