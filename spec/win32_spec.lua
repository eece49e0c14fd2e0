-- filemap.win32, compared with the table of spec/support/win32_calls.lua on every system. On Windows a
-- program in C makes the real calls, which are compared with the table too. doc/win32.md is that table.
local core = require "filemap.core"
local filemap = require "filemap"
local process = require "process"
local sync = require "filemap.sync"
local win32 = require "filemap.win32"
local calls = require "spec.support.win32_calls"
local check = require "spec.support.check"
local document = require "spec.support.win32_document"
local support = require "spec.support"

local raises, contains = check.raises, check.contains
local folder = package.searchpath("process", package.cpath):match("^(.*[/\\])")

-- {-- The rows ---------------------------------------------------------------------------------------

-- The variable that gets a call's result, the call's name, and its arguments as text.
local function parse(call)
  local variable, name, rest = call:match("^(%w+) = (%w+)%((.*)%)$")
  if not variable then name, rest = call:match("^(%w+)%((.*)%)$") end
  local arguments = {}
  for argument in (rest .. ", "):gmatch("(.-), ") do arguments[#arguments + 1] = argument end
  return variable, name, arguments
end

-- The names and paths that stand for the table's names and files in this run.
local function new_meanings()
  local meanings = { name = support.unique(), mutex = support.unique() }
  for _, file in ipairs { "file", "other", "data", "folder" } do meanings[file] = support.tmpname() end
  return meanings
end

local function meaning_of(text, meanings)
  local first, rest = text:match("^(%l+)(.*)$")
  if first and meanings[first] and not text:find("\\", 1, true) then return meanings[first] .. rest end
  return (text:gsub("Name", meanings.name):gsub("Mutex", meanings.mutex))
end

-- {-- The module --------------------------------------------------------------------------------------

local UNCHANGED <const> = 0x1d0000

-- Makes a call of filemap.win32. Returns its result and last error in the table's words.
local function call_ours(row, variables, meanings)
  local variable, name, arguments = parse(row.call)
  local values = {}
  for i, argument in ipairs(arguments) do
    local text = argument:match('^"(.*)"$')
    if text then values[i] = meaning_of(text, meanings)
    else values[i] = assert(load("return " .. argument, "=argument", "t", variables))() end
  end
  win32.SetLastError(UNCHANGED)
  local result = win32[name](table.unpack(values, 1, #arguments))
  local last_error = win32.GetLastError()
  if variable then variables[variable] = result end
  local word = result == nil and "NULL" or result == true and "TRUE" or result == false and "FALSE"
    or result == win32.INVALID_HANDLE_VALUE and "INVALID_HANDLE_VALUE"
    or core.win32.kind(result) == "view" and "view" or "handle"
  return word, last_error ~= UNCHANGED and last_error or ""
end

local function new_variables()
  return setmetatable({ TRUE = true, FALSE = false }, { __index = win32 })
end

-- {-- The program -------------------------------------------------------------------------------------

local function start_program()
  local program = process.spawn { folder .. "win32_calls" }
  program:expect("^READY$")
  return program
end

local function ask(program, variable, name, arguments)
  assert(program:write(table.concat({ variable or "-", name, table.unpack(arguments) }, "\t") .. "\n"))
  return program:expect("^(.-)\t(.*)$")
end

local function call_real(row, program, meanings)
  local variable, name, arguments = parse(row.call)
  for i, argument in ipairs(arguments) do
    local text = argument:match('^"(.*)"$')
    if text then arguments[i] = '"' .. meaning_of(text, meanings) end
  end
  local word, last_error = ask(program, variable, name, arguments)
  return word, tonumber(last_error) or ""
end

-- {-- Comparing ---------------------------------------------------------------------------------------

-- Makes all calls of the table, and returns a list of those whose result or last error differs from
-- `expected`.
local function differences(make, expected)
  local found = {}
  for _, row in ipairs(calls) do
    if type(row) == "table" then
      local result, last_error = make(row)
      local e = expected(row)
      if result ~= e[1] or last_error ~= e[2] then
        found[#found + 1] = ("%s gave %s and %s, not %s and %s"):format(row.call, result, last_error, e[1],
          e[2])
      end
    end
  end
  return found
end

local function of_system(row)
  return not support.windows and row.linux or { row.result, row.last_error }
end

local function of_wine(row)
  return row.wine or { row.result, row.last_error }
end

-- Whether this is wine. The table's values for wine are expected only there.
local function is_wine()
  return support.windows and os.getenv("WINEPREFIX") ~= nil
end

describe("the table of Win32's calls", function()
  support.clean()

  it("agrees with filemap.win32", function()
    local meanings = new_meanings()
    local _ <close> = sync.mutex("Local\\" .. meanings.mutex)
    local variables = new_variables()
    assert.same({}, differences(function(row) return call_ours(row, variables, meanings) end, of_system))
  end)

  support.only("win32", "only Windows has the real calls")("agrees with the real calls", function()
    local meanings = new_meanings()
    local _ <close> = sync.mutex("Local\\" .. meanings.mutex)
    local program = start_program()
    assert.same({}, differences(function(row) return call_real(row, program, meanings) end,
      is_wine() and of_wine or of_system))
    program:finish()
  end)

  it("is printed in doc/win32.md", function()
    local file <close> = assert(io.open("doc/win32.md", "rb"))
    assert.equal(document(calls), (file:read("a"):gsub("\r\n", "\n")))
  end)

  it("has every call, and the error 120 on Linux for what only Windows can do", function()
    local seen = {}
    for _, row in ipairs(calls) do
      if type(row) == "table" then
        local _, name = parse(row.call)
        seen[name] = true
        if row.linux then assert.equal(120, row.linux[2]) end
      end
    end
    for name, value in pairs(win32) do
      if type(value) == "function" and not name:find("LastError$") then assert.is_true(seen[name], name) end
    end
  end)
end)

describe("the constants of filemap.win32", function()
  support.clean()

  support.only("win32", "only a Windows program has them")("have the values of windows.h", function()
    local program, count = start_program(), 0
    for name, value in pairs(win32) do
      if type(value) ~= "function" then
        count = count + 1
        local said = tonumber((ask(program, nil, "value", { name })))
        -- Some constants are signed in C.
        assert.equal(value & 0xffffffff, said & 0xffffffff, name)
      end
    end
    assert.is_true(count > 70)
    program:finish()
  end)

  it("have the values of the original Lua wrapper", function()
    local original = {
      PAGE_NOACCESS = 0x01, PAGE_READONLY = 0x02, PAGE_READWRITE = 0x04, PAGE_WRITECOPY = 0x08,
      PAGE_EXECUTE = 0x10, PAGE_EXECUTE_READ = 0x20, PAGE_EXECUTE_READWRITE = 0x40,
      PAGE_EXECUTE_WRITECOPY = 0x80, PAGE_GUARD = 0x100, PAGE_NOCACHE = 0x200, PAGE_WRITECOMBINE = 0x400,
      SEC_FILE = 0x800000, SEC_IMAGE = 0x1000000, SEC_RESERVE = 0x4000000, SEC_COMMIT = 0x8000000,
      SEC_NOCACHE = 0x10000000, FILE_MAP_COPY = 1, FILE_MAP_WRITE = 2, FILE_MAP_READ = 4,
      FILE_MAP_ALL_ACCESS = 0x000F001F,
    }
    for name, value in pairs(original) do assert.equal(value, win32[name], name) end
  end)
end)

describe("filemap.win32", function()
  support.clean()

  local function memory(protect, size, name, attributes)
    return win32.CreateFileMapping(win32.INVALID_HANDLE_VALUE, attributes, protect, size >> 32,
      size & 0xffffffff, name)
  end

  it("returns after C's result a message, a code and the last error of a failure", function()
    local name = support.unique("Local\\")
    local map, message, code, number = win32.OpenFileMapping(win32.FILE_MAP_READ, false, name)
    assert.same({ nil, "not_found", 2 }, { map, code, number })
    contains(name .. ": ", message)
    assert.equal(2, win32.GetLastError())
    local done, why, word, native = win32.UnmapViewOfFile(nil)
    assert.same({ false, "UnmapViewOfFile: it is not valid (487)", "invalid", 487 },
      { done, why, word, native })
    local file, _, lost, error_number = win32.CreateFile(support.tmpname(), win32.GENERIC_READ, 0, nil,
      win32.OPEN_EXISTING, 0, nil)
    assert.same({ -1, "not_found", 2 }, { file, lost, error_number })
    assert.equal("denied", select(3, win32.MapViewOfFile(memory(win32.PAGE_READONLY, 10),
      win32.FILE_MAP_WRITE)))
    assert.equal("exists", core.win32.explain(183))
  end)

  it("fails with in_use where the name is removed and created again during the call, 100 times", function()
    local name = support.unique("Local\\")
    local other = assert(filemap.create(name, 4096))
    local opens = 0
    -- Before each call of the library, the name gets the state in which that call fails.
    debug.sethook(function()
      local called = debug.getinfo(2, "f").func
      if called == core.win32.create then
        other = other or assert(filemap.create(name, 4096))
      elseif called == core.open then
        other:close()
        other, opens = nil, opens + 1
        if opens == 100 then debug.sethook() end
      end
    end, "c")
    local map, message, code, number = memory(win32.PAGE_READWRITE, 4096, name)
    debug.sethook()
    assert.same({ nil, "in_use", 100 }, { map, code, opens })
    contains("the name was created and removed 100 times while opening it", message)
    assert.equal(win32.GetLastError(), number)
  end)

  it("shares memory with filemap, and its maps and views are filemap's own", function()
    local name = support.unique("Local\\")
    local map <close> = memory(win32.PAGE_READWRITE, 65536, name)
    local view <close> = win32.MapViewOfFile(map, win32.FILE_MAP_ALL_ACCESS, 0, 0, 0)
    assert.equal(65536, #view)
    assert.equal(("filemap.map (%s, 65536 bytes, rw)"):format(name), tostring(map))
    local other <close> = assert(filemap.open(name, "rw"))
    local bytes <close> = win32.MapViewOfFile(other, win32.FILE_MAP_WRITE, 0, 0, 256)
    assert.equal(256, #bytes)
    view:set_i32(0, 42)
    assert.equal(42, bytes:get_i32(0))
    local copy <close> = win32.MapViewOfFile(map, win32.FILE_MAP_COPY, 0, 0, 256)
    copy:set_i32(0, 7)
    assert.equal(42, bytes:get_i32(0))
    assert.equal("copy", copy:access())
  end)

  it("keeps a view and its name when the map, its handle and its creator no longer exist", function()
    local name = support.unique("Local\\")
    local child = support.child("evaluator")
    assert.equal("42", child:ask([[
      win32 = require 'filemap.win32'
      map = win32.CreateFileMapping(-1, nil, win32.PAGE_READWRITE, 0, 100, %q)
      view = win32.MapViewOfFile(map, win32.FILE_MAP_WRITE, 0, 0, 0)
      view:set_i32(96, 42)
      return view:get_i32(96)]], name))
    local map = assert(win32.OpenFileMapping(win32.FILE_MAP_READ, false, name))
    local view = assert(win32.MapViewOfFile(map, win32.FILE_MAP_READ, 0, 0, 100))
    assert.is_true(win32.CloseHandle(map))
    child:kill()
    child:wait(support.deadline)
    map = nil -- luacheck: ignore
    collectgarbage()
    assert.equal(42, view:get_i32(96))
    local again <close> = assert(win32.OpenFileMapping(win32.FILE_MAP_READ, false, name))
    assert.is_true(win32.UnmapViewOfFile(view))
    again:close()
    assert.is_nil((win32.OpenFileMapping(win32.FILE_MAP_READ, false, name)))
    assert.equal(2, win32.GetLastError())
  end)

  it("lets a child inherit a handle, which the child adopts", function()
    local name = support.unique("Local\\")
    local map = assert(memory(win32.PAGE_READWRITE, 4096, name, { inherit = true }))
    assert(map:view()):set_string(10, "inherited")
    local child = support.child("evaluator")
    child:ask("win32 = require 'filemap.win32' map = filemap.adopt(%d, 4096, 'rw')", map:handle())
    win32.CloseHandle(map)
    map = nil -- luacheck: ignore
    collectgarbage()
    assert.equal("inherited", child:ask("return win32.MapViewOfFile(map, 4, 0, 0, 0):get_string(10, 9)"))
    local still <close> = assert(win32.OpenFileMapping(win32.FILE_MAP_READ, false, name))
    still:close()
    child:finish()
    assert.is_nil((win32.OpenFileMapping(win32.FILE_MAP_READ, false, name)))
    local own = assert(memory(win32.PAGE_READWRITE, 4096, name))
    local other = support.child("evaluator")
    assert.equal("invalid", other:ask("return filemap.adopt(%d, 4096, 'rw')", own:handle()))
    own:close()
  end)

  it("maps a file with the size and access of its handle and mapping", function()
    local path = support.tmpname("é中🌍.bin")
    local file = win32.CreateFile(path, win32.GENERIC_READ | win32.GENERIC_WRITE, win32.FILE_SHARE_READ, nil,
      win32.CREATE_ALWAYS, win32.FILE_ATTRIBUTE_NORMAL, nil)
    assert.equal(("filemap.file_handle (%s)"):format(path), tostring(file))
    local map = assert(win32.CreateFileMapping(file, nil, win32.PAGE_READWRITE, 0, 5000, nil))
    assert.is_true(win32.CloseHandle(file))
    assert.equal("filemap.file_handle (closed)", tostring(file))
    local view = assert(win32.MapViewOfFile(map, win32.FILE_MAP_WRITE, 0, 0, 0))
    assert.equal(5000, #view)
    view:set_string(4990, "0123456789")
    assert.is_true(win32.FlushViewOfFile(view:sub(4096, 904), 0))
    assert.is_true(win32.FlushViewOfFile(view, 5000))
    assert.is_false((win32.FlushViewOfFile(view, 5001)))
    assert.equal(487, win32.GetLastError())
    assert(win32.UnmapViewOfFile(view) and win32.CloseHandle(map))
    local again <close> = assert(filemap.file(path))
    assert.equal("0123456789", assert(again:view(4990)):get_string(0, 10))
  end)

  it("truncates a file with CREATE_ALWAYS also through a handle without write access", function()
    local path = support.tmpname()
    for _, access in ipairs { 0, win32.GENERIC_READ, win32.GENERIC_WRITE } do
      assert(filemap.file(path, "rw", { size = 10 })):close()
      local file <close> = win32.CreateFile(path, access, win32.FILE_SHARE_READ, nil, win32.CREATE_ALWAYS)
      assert.equal(183, win32.GetLastError())
      assert.equal(0, require("lfs").attributes(path, "size"))
      assert.is_nil((win32.CreateFileMapping(file, nil, win32.PAGE_READWRITE, 0, 10, nil)))
      assert.equal(5, win32.GetLastError())
    end
  end)

  it("makes a mapping smaller than its file", function()
    local path = support.tmpname()
    assert(filemap.file(path, "rw", { size = 10000 })):close()
    local file <close> = win32.CreateFile(path, win32.GENERIC_READ, win32.FILE_SHARE_READ, nil,
      win32.OPEN_EXISTING)
    local map <close> = assert(win32.CreateFileMapping(file, nil, win32.PAGE_READONLY, 0, 100, nil))
    assert.equal(100, #map)
    local whole <close> = assert(win32.CreateFileMapping(file, nil, win32.PAGE_READONLY, 0, 0, nil))
    assert.equal(10000, #whole)
  end)

  it("reserves memory, which is committed part by part", function()
    local map <close> = assert(memory(win32.PAGE_READWRITE | win32.SEC_RESERVE, 1 << 20))
    local view <close> = assert(win32.MapViewOfFile(map, win32.FILE_MAP_WRITE, 0, 0, 0))
    assert.is_true(view:commit(65536, 100))
    view:set_i32(65536, 42)
    assert.equal(42, view:get_i32(65536))
  end)

  it("maps executable memory", function()
    local map <close> = assert(memory(win32.PAGE_EXECUTE_READWRITE, 4096))
    local view <close> = assert(win32.MapViewOfFile(map, win32.FILE_MAP_WRITE | win32.FILE_MAP_EXECUTE, 0, 0,
      0))
    assert.equal("rwx", view:access())
    view:set_u8(0, 0xC3)
  end)

  it("fails with 6 for a handle that is not a file", function()
    for _, value in ipairs { false, 0, "-1", 0xffffffff, {}, io.stdout } do
      assert.is_nil((win32.CreateFileMapping(value, nil, win32.PAGE_READWRITE, 0, 10, nil)))
      assert.equal(6, win32.GetLastError())
    end
  end)

  it("refuses invalid names with Windows' error numbers", function()
    for name, number in pairs {
      [("x"):rep(201)] = 206, ["Local\\" .. ("x"):rep(201)] = 206, ["\xff"] = 1113, ["a\0b"] = 123,
      ["Local\\"] = 123,
    } do
      assert.is_nil((memory(win32.PAGE_READWRITE, 10, name)))
      assert.equal(number, win32.GetLastError())
      assert.is_nil((win32.OpenFileMapping(win32.FILE_MAP_READ, false, name)))
      assert.equal(number, win32.GetLastError())
    end
    assert.equal(-1, (win32.CreateFile("a\0b", 0, 0, nil, win32.OPEN_EXISTING)))
    assert.equal(123, win32.GetLastError())
  end)

  it("sets and keeps the last error as the C calls do", function()
    win32.SetLastError(7)
    local map <close> = memory(win32.PAGE_READWRITE, 10)
    assert.equal(0, win32.GetLastError())
    win32.SetLastError(7)
    local view = win32.MapViewOfFile(map, win32.FILE_MAP_WRITE)
    assert(view and win32.FlushViewOfFile(view) and win32.UnmapViewOfFile(view))
    assert.equal(7, win32.GetLastError())
  end)

  it("fails with 120 for a template file and for FILE_MAP_TARGETS_INVALID", function()
    assert.equal(-1, (win32.CreateFile("x", 0, 0, nil, win32.OPEN_EXISTING, 0, 1)))
    assert.equal(120, win32.GetLastError())
    local map <close> = memory(win32.PAGE_EXECUTE_READWRITE, 10)
    assert.is_nil((win32.MapViewOfFile(map, win32.FILE_MAP_EXECUTE | win32.FILE_MAP_TARGETS_INVALID, 0, 0,
      0)))
    assert.equal(120, win32.GetLastError())
  end)

  it("raises for arguments of the wrong type or range", function()
    contains("size_low must be an integer from", raises(win32, ".CreateFileMapping", -1, nil, 4, 0, 1 << 32))
    contains("size_high must be an integer from", raises(win32, ".CreateFileMapping", -1, nil, 4, -1, 0))
    contains("protect must be an integer from", raises(win32, ".CreateFileMapping", -1, nil, "rw", 0, 10))
    contains("attributes must be a table", raises(win32, ".CreateFileMapping", -1, true, 4, 0, 10))
    contains("unknown attribute 'size'", raises(win32, ".CreateFileMapping", -1, { size = 1 }, 4, 0, 10))
    contains("name must be a string", raises(win32, ".CreateFileMapping", -1, nil, 4, 0, 10, 5))
    contains("attribute 'inherit' must be a boolean",
      raises(win32, ".CreateFileMapping", -1, { inherit = 1 }, 4, 0, 10))
    contains("attribute 'sddl' must be a string", raises(win32, ".CreateFile", "x", 0, 0, { sddl = true }, 3))
    contains("an octal string", raises(win32, ".CreateFile", "x", 0, 0, { mode = "999" }, 3))
    contains("inherit must be a boolean", raises(win32, ".OpenFileMapping", 4, 0, "x"))
    contains("bytes must be an integer", raises(win32, ".MapViewOfFile", nil, 4, 0, 0, -1))
    contains("attribute 'sddl' must be a string without NUL",
      raises(win32, ".CreateFileMapping", -1, { sddl = "D:\0" }, 4, 0, 10))
    contains("path must be a string", raises(win32, ".CreateFile", nil, 0, 0, nil, 3))
    contains("the error must be an integer from", raises(win32, ".SetLastError", -1))
    contains("win32_spec.lua:", select(2, pcall(function()
      local map = win32.CreateFileMapping(-1, { mode = "999" }, 4, 0, 10)
      return map
    end)))
    contains("bad argument #2 to 'CreateFileMapping' (",
      raises(win32, ".CreateFileMapping", -1, { mode = "999" }, 4))
    contains("bad argument #5 to 'MapViewOfFile' (", raises(win32, ".MapViewOfFile", nil, 4, 0, 0, -1))
  end)

  support.only("posix", "Windows supports security descriptors and these flags", function()
    it("fails with 120 for what Linux cannot do", function()
      local function says_120(result, ...)
        assert.is_true(result == nil or result == win32.INVALID_HANDLE_VALUE)
        assert.same({ "unsupported", 120 }, { select(2, ...) })
        assert.equal(120, win32.GetLastError())
      end
      local path = support.tmpname()
      says_120(memory(win32.PAGE_READWRITE, 10, nil, { sddl = "D:" }))
      says_120(memory(win32.PAGE_READWRITE | win32.SEC_LARGE_PAGES | win32.SEC_COMMIT, 10, support.unique()))
      for _, flag in ipairs { win32.FILE_FLAG_DELETE_ON_CLOSE, win32.FILE_FLAG_OVERLAPPED,
        win32.FILE_ATTRIBUTE_HIDDEN,
        win32.FILE_ATTRIBUTE_READONLY, win32.FILE_FLAG_NO_BUFFERING, 0x200000 } do
        says_120(win32.CreateFile(path, win32.GENERIC_READ, 0, nil, win32.CREATE_NEW, flag, nil))
      end
      says_120(win32.CreateFile(path, win32.GENERIC_READ, 0, { sddl = "D:" }, win32.CREATE_NEW, 0, nil))
      assert.is_nil(io.open(path))
      for _, flag in ipairs { win32.FILE_FLAG_RANDOM_ACCESS, win32.FILE_FLAG_SEQUENTIAL_SCAN,
        win32.FILE_ATTRIBUTE_NORMAL, win32.FILE_ATTRIBUTE_TEMPORARY } do
        assert(win32.CloseHandle((win32.CreateFile(path, win32.GENERIC_READ, 0, nil, win32.OPEN_ALWAYS, flag,
          nil))))
      end
      -- A file that is not a regular file is not opened.
      local file, _, code, number = win32.CreateFile("/dev/null", win32.GENERIC_READ, 0, nil,
        win32.OPEN_EXISTING)
      assert.same({ -1, "denied", 5 }, { file, code, number })
      file, _, code, number = win32.CreateFile(("x"):rep(300), win32.GENERIC_READ, 0, nil, win32.OPEN_ALWAYS)
      assert.same({ -1, "invalid", 123 }, { file, code, number })
    end)

    it("creates a file with the permissions of the attribute mode", function()
      local path = support.tmpname()
      local _ <close> = win32.CreateFile(path, win32.GENERIC_WRITE, 0, { mode = "0640" }, win32.CREATE_NEW)
      assert.equal("rw-r-----", require("lfs").attributes(path, "permissions"))
    end)
  end)
end)
