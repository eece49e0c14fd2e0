-- Features that only Windows has: kinds of memory by SEC_..., security descriptors, names of mappings of
-- files, share modes. The counterpart is spec/counterpart/win32_calls.c, which makes the real calls.
local filemap = require "filemap"
local lfs = require "lfs"
local process = require "process"
local support = require "spec.support"
local sync = require "filemap.sync"
local win32 = require "filemap.win32"
local check = require "spec.support.check"

local folder = package.searchpath("process", package.cpath):match("^(.*[/\\])")

-- Starts the program that makes the real calls. Returns a function that makes one:
-- call("map", "OpenFileMapping", "FILE_MAP_READ", ...) -> result, last error
local function real_calls()
  local program = process.spawn { folder .. "win32_calls" }
  program:expect("^READY$")
  return function(variable, ...)
    assert(program:write(table.concat({ variable, ... }, "\t") .. "\n"))
    local result, last_error = program:expect("^(.-)\t(.*)$")
    return result, tonumber(last_error)
  end
end

local function memory(protect, size, name, attributes)
  return win32.CreateFileMapping(win32.INVALID_HANDLE_VALUE, attributes, protect, 0, size, name)
end

support.clean()

describe("filemap's own calls", function()
  it("raise for the option protect, since SEC_ attributes belong to filemap.win32", function()
    check.contains("unknown option 'protect'", check.raises(filemap, ".create", nil, 1, { protect = 4 }))
    check.contains("unknown option 'protect'", check.raises(filemap, ".file", "x", "r", { protect = 4 }))
  end)
end)

support.only("win32", "only Windows has these", function()
  describe("memory with SEC_NOCACHE or SEC_WRITECOMBINE", function()
    it("can be read and written", function()
      for _, kind in ipairs { "SEC_NOCACHE", "SEC_WRITECOMBINE" } do
        local name = support.unique("Local\\")
        local map <close> = assert(memory(win32.PAGE_READWRITE | win32[kind] | win32.SEC_COMMIT, 4096, name))
        local view <close> = assert(win32.MapViewOfFile(map, win32.FILE_MAP_WRITE))
        view:set_string(100, "not cached")
        local other <close> = assert(filemap.open(name))
        local seen <close> = assert(other:view())
        assert.equal("not cached", seen:get_string(100, 10))
      end
    end)

    it("can be reserved, and committed later", function()
      local protect = win32.PAGE_READWRITE | win32.SEC_NOCACHE | win32.SEC_RESERVE
      local map <close> = assert(memory(protect, 1 << 20))
      local view <close> = assert(win32.MapViewOfFile(map, win32.FILE_MAP_WRITE))
      check.raises(view, "get_u8", 0)
      assert.is_true(view:commit(0, 4096))
      view:set_u8(0, 7)
      assert.equal(7, view:get_u8(0))
    end)
  end)

  describe("an image by SEC_IMAGE", function()
    it("is laid out as the system loads it", function()
      local file <close> = win32.CreateFile(support.lua, win32.GENERIC_READ | win32.GENERIC_EXECUTE,
        win32.FILE_SHARE_READ, nil, win32.OPEN_EXISTING, 0, nil)
      local protect = win32.PAGE_READONLY | win32.SEC_IMAGE
      local map <close> = assert(win32.CreateFileMapping(file, nil, protect, 0, 0, nil))
      local view <close> = assert(win32.MapViewOfFile(map, win32.FILE_MAP_WRITE, 0, 0, 0))
      assert.equal("r", view:access())
      assert.equal("MZ", view:get_string(0, 2))
      local header = view:get_u32(0x3c)
      assert.equal("PE\0\0", view:get_string(header, 4))
      local sections, size_of_optional = view:get_u16(header + 6), view:get_u16(header + 20)
      assert.equal(view:get_u32(header + 24 + 56), #view) -- SizeOfImage
      -- Each section of the image is at the address to which the system loads it.
      local plain <close> = assert(filemap.file(support.lua))
      local bytes <close> = assert(plain:view())
      for i = 0, sections - 1 do
        local at = header + 24 + size_of_optional + 40 * i
        local virtual, raw, stored = view:get_u32(at + 12), view:get_u32(at + 20), view:get_u32(at + 16)
        if view:get_cstring(at, 8) == ".text" then
          assert.is_true(virtual ~= raw)
          assert.is_true(view:equals(virtual, bytes, raw, math.min(64, stored)))
        end
      end
      assert.is_nil((win32.CreateFileMapping(file, nil, protect | win32.SEC_COMMIT)))
    end)
  end)

  describe("a security descriptor", function()
    it("gives other programs the rights that it lists", function()
      local name = support.unique("Local\\")
      local sddl = "D:(A;;0x5;;;WD)" -- query, read
      local _ <close> = assert(memory(win32.PAGE_READWRITE, 4096, name, { sddl = sddl }))
      local call = real_calls()
      assert.equal("handle", (call("map", "OpenFileMapping", "FILE_MAP_READ", "FALSE", '"' .. name)))
      assert.equal("view", (call("-", "MapViewOfFile", "map", "FILE_MAP_READ", "0", "0", "0")))
      assert.same({ "NULL", 5 }, { call("-", "OpenFileMapping", "FILE_MAP_WRITE", "FALSE", '"' .. name) })
      assert.is_nil((win32.OpenFileMapping(win32.FILE_MAP_WRITE, false, name)))
      assert.equal(5, win32.GetLastError())
      local read <close> = assert(win32.OpenFileMapping(win32.FILE_MAP_READ, false, name))
      assert.equal("r", read:access())
    end)

    it("is refused where it is invalid", function()
      assert.is_nil((memory(win32.PAGE_READWRITE, 10, nil, { sddl = "nonsense" })))
      local path = support.tmpname()
      local attributes = { sddl = "nonsense" }
      assert.equal(-1, (win32.CreateFile(path, win32.GENERIC_READ, 0, attributes, win32.CREATE_NEW)))
      assert.is_nil(io.open(path))
    end)
  end)

  describe("pinned memory past the limit of the working set", function()
    local function run(how)
      local lines, program <close> = {}, process.spawn { folder .. "pin_limit", how }
      for i = 1, 3 do lines[i] = program:expect() end
      return lines
    end

    it("makes the working set larger by the length of the view", function()
      assert.same({ "ok 0 114 409", "ok 0 114 409", "ok 0 114 409" }, run "grow")
    end)

    it("leaves the working set as it was where the system refuses, and reports that error", function()
      local line = "no_memory 1453 50 345" -- ERROR_WORKING_SET_QUOTA
      assert.same({ line, line, line }, run "refuse")
    end)
  end)

  describe("filemap.list", function()
    -- Returns the size with which a name is listed, or nil.
    local function listed(name)
      for _, entry in ipairs(assert(filemap.list())) do
        if entry.name == name then return entry.size end
      end
    end

    it("returns the sections of other programs, as long as they live", function()
      local names = { support.unique("Local\\"), support.unique("Global\\") }
      local program <close> = process.spawn { folder .. "win32_calls" }
      program:expect("^READY$")
      for _, name in ipairs(names) do
        local call = '-\tCreateFileMapping\tINVALID_HANDLE_VALUE\tNULL\tPAGE_READWRITE\t0\t8192\t"%s\n'
        assert(program:write(call:format(name)))
        program:expect("^handle")
        assert.equal(8192, listed(name))
      end
      program:kill()
      program:wait(support.deadline)
      for _, name in ipairs(names) do assert.is_nil(listed(name)) end
    end)

    it("returns named mappings of files", function()
      local name, path = support.unique("Local\\"), support.tmpname()
      local _ <close> = assert(filemap.file(path, "rw", { size = 12345, name = name }))
      local size = listed(name) -- wine rounds it up to pages, Windows does not
      assert.is_true(size >= 12345 and size <= 16384)
    end)

    it("leaves out sections that this user may not ask for their size", function()
      local name = support.unique("Local\\")
      local _ <close> = assert(filemap.create(name, 4096, { sddl = "D:(A;;GA;;;SY)" }))
      assert.is_nil(listed(name))
    end)

    it("leaves out names of other objects", function()
      local name = support.unique("Local\\")
      local _ <close> = assert(require "filemap.sync".mutex(name))
      assert.is_nil(listed(name))
    end)
  end)

  describe("the events of a channel", function()
    local mailslot, state = require "filemap.mailslot", require "filemap.state"

    -- Returns the access list of an object, or "error " and a number.
    local function security(...)
      local program <close> = process.spawn { folder .. "security", ... }
      return program:expect()
    end

    -- A mailslot's reader has its seat and waits by events.
    local events = { ":filemap-signal0", ":filemap-signal1", ":filemap-signal2", ":filemap-seat1" }

    it("give users the rights that the section gives them", function()
      local lists = {
        ["D:(A;;GA;;;WD)"] = "D:(A;;0x1f0003;;;WD)", -- all rights
        ["D:(A;;0x7;;;WD)"] = "D:(A;;0x100003;;;WD)", -- read and write, so wait and set
        ["D:(A;;0x5;;;WD)(A;;GA;;;SY)"] = "D:(A;;0x100001;;;WD)(A;;0x1f0003;;;SY)", -- read, so wait
        ["D:(D;;0x2;;;AN)(A;;GA;;;BA)"] = "D:(D;;DC;;;AN)(A;;0x1f0003;;;BA)", -- refuses to write, so to set
      }
      for section, event in pairs(lists) do
        local name = support.unique("Local\\")
        local _ <close> = assert(mailslot.create(name, { sddl = section }))
        for _, part in ipairs(events) do assert.equal(event, security("event", name .. part)) end
      end
    end)

    it("refuse users whom the section refuses", function()
      local name = support.unique("Local\\")
      local _ <close> = assert(mailslot.create(name, { sddl = "D:(A;;GA;;;SY)" }))
      assert.equal("denied", select(3, mailslot.open(name)))
      for _, part in ipairs(events) do
        assert.equal("error 5", security("open", "0x100002", name .. part)) -- wait and set
      end
    end)

    it("are opened by a second process for no more than waiting and setting", function()
      local name = support.unique("Local\\")
      local slot <close> = assert(mailslot.create(name, { sddl = "D:(A;;0x7;;;WD)" }))
      local other = support.child "evaluator"
      assert.equal("true", other:ask([[w = assert(mailslot.open(%q)) return w:send("hello")]], name))
      assert.equal("hello", slot:receive(support.deadline))
    end)

    it("get the section's list if a process that only opened the section creates them", function()
      local name = support.unique("Local\\")
      local _ <close> = assert(mailslot.create(name, { sddl = "D:(A;;GA;;;WD)" }))
      local other = support.child "evaluator"
      assert.equal("true", other:ask([[w = assert(mailslot.open(%q)) return w:send("hello")]], name))
      assert.equal("D:(A;;0x1f0003;;;WD)", security("event", name .. ":filemap-seat2"))
    end)

    it("are not needed by a reader of a state that may not write", function()
      local name = support.unique("Local\\")
      local writer <close> = assert(state.create(name, 100, { sddl = "D:(A;;0x5;;;WD)" }))
      assert(writer:publish("value"))
      local other = support.child "evaluator"
      assert.equal("value 1", other:ask([[s = assert(state.open(%q)) return s:read()]], name))
    end)
  end)

  describe("a mapping of a file", function()
    local path, file

    before_each(function()
      path = support.tmpname()
      assert(filemap.file(path, "rw", { size = 5000 })):close()
      file = win32.CreateFile(path, win32.GENERIC_READ | win32.GENERIC_WRITE, win32.FILE_SHARE_READ, nil,
        win32.OPEN_EXISTING)
    end)

    after_each(function()
      file:close()
    end)

    it("is shared by its name, with the size with which it was created", function()
      local name = support.unique("Local\\")
      local map <close> = assert(win32.CreateFileMapping(file, nil, win32.PAGE_READWRITE, 0, 100, name))
      assert.equal(0, win32.GetLastError())
      local call = real_calls()
      assert.equal("handle", (call("map", "OpenFileMapping", "FILE_MAP_READ", "FALSE", '"' .. name)))
      assert.equal("view", (call("-", "MapViewOfFile", "map", "FILE_MAP_READ", "0", "0", "100")))
      assert.same({ "NULL", 5 }, { call("-", "MapViewOfFile", "map", "FILE_MAP_READ", "0", "0", "101") })
      local again <close> = assert(win32.CreateFileMapping(file, nil, win32.PAGE_READWRITE, 0, 0, name))
      assert.equal(183, win32.GetLastError())
      assert.equal(100, #again)
      local written <close> = assert(map:view())
      written:set_string(0, "through the file")
      local seen <close> = assert(again:view())
      assert.equal("through the file", seen:get_string(0, 16))
    end)

    it("excludes other handles as its share mode requires", function()
      assert.equal(-1, (win32.CreateFile(path, win32.GENERIC_WRITE, 7, nil, win32.OPEN_EXISTING)))
      assert.equal(32, win32.GetLastError())
      local call = real_calls()
      assert.same({ "INVALID_HANDLE_VALUE", 32 },
        { call("-", "CreateFile", '"' .. path, "GENERIC_WRITE", "7", "NULL", "OPEN_EXISTING", "0", "NULL") })
    end)

    it("leaves no file after close with FILE_FLAG_DELETE_ON_CLOSE", function()
      file:close()
      file = win32.CreateFile(path, win32.GENERIC_READ, 7, nil, win32.OPEN_EXISTING,
        win32.FILE_FLAG_DELETE_ON_CLOSE)
      assert.is_true(win32.CloseHandle(file))
      assert.is_nil(io.open(path))
    end)

    it("keeps the file from being truncated", function()
      local map <close> = assert(win32.CreateFileMapping(file, nil, win32.PAGE_READWRITE, 0, 0, nil))
      local view <close> = assert(map:view())
      file:close() -- and its share mode with it
      assert.is_not.equal(-1, (win32.CreateFile(path, win32.GENERIC_WRITE, 7, nil, win32.OPEN_EXISTING)))
      assert.equal(-1, (win32.CreateFile(path, win32.GENERIC_WRITE, 7, nil, win32.TRUNCATE_EXISTING)))
      assert.equal(1224, win32.GetLastError())
      assert.equal(0, view:get_u8(4999))
      assert.is_true(win32.FlushViewOfFile(view, 0))
    end)
  end)

  describe("a map over a file", function()
    local fails = check.fails
    local path, name

    before_each(function()
      path, name = support.tmpname(), support.unique("Local\\")
    end)

    it("keeps its name when it is resized", function()
      local sddl <const> = "D:(A;;GA;;;WD)"
      local map <close> = assert(filemap.file(path, "rw", { size = 5000, name = name, sddl = sddl }))
      assert.is_true(map:resize(9000))
      assert.equal(9000, map:size())
      local opened <close> = assert(filemap.open(name, "rw"))
      assert.equal(9000, opened:size())
      local seen <close> = assert(opened:view())
      local view <close> = assert(map:view())
      view:set_string(8990, "at the end")
      assert.equal("at the end", seen:get_string(8990, 10))
    end)

    it("keeps its size while its name is held elsewhere", function()
      local map <close> = assert(filemap.file(path, "rw", { size = 5000, name = name }))
      do
        local opened <close> = assert(filemap.open(name))
        assert.equal(5000, opened:size())
        fails("in_use", path, map:resize(9000))
      end
      assert.equal(5000, lfs.attributes(path, "size"))
      assert.is_true(map:resize(9000))
    end)

    it("is not refreshed if it has a name, which stands for one size", function()
      local map <close> = assert(filemap.file(path, "rw", { size = 5000, name = name }))
      assert.equal(5000, map:refresh())
      do
        local file <close> = assert(io.open(path, "ab"))
        file:write(("x"):rep(100))
      end
      fails("unsupported", path, map:refresh())
      assert.equal(5000, map:size())
    end)

    it("may have a path longer than MAX_PATH", function()
      local long = path .. ("x"):rep(200)
      assert.is_true(#long > 260 and #long:match("[^\\]+$") < 256)
      do
        local map <close> = assert(filemap.file(long, "rw", { size = 10 }))
        local view <close> = assert(map:view())
        view:set_string(0, "far down")
      end
      do
        local map <close> = assert(filemap.file(long))
        local view <close> = assert(map:view())
        assert.equal("far down", view:get_string(0, 8))
      end
      win32.CreateFile(long, win32.GENERIC_READ, 7, nil, win32.OPEN_EXISTING,
        win32.FILE_FLAG_DELETE_ON_CLOSE):close()
      fails("not_found", long, filemap.file(long))
    end)

    it("is not made of a device", function()
      fails("invalid", "NUL", filemap.file("NUL", "rw", { size = 10 }))
      fails("invalid", "NUL", filemap.file("NUL"))
    end)

    it("fails with denied if it asks for more access than its section has", function()
      assert(filemap.file(path, "rw", { size = 5000 })):close()
      local file <close> = win32.CreateFile(path, win32.GENERIC_READ, 7, nil, win32.OPEN_EXISTING)
      local map <close> = assert(win32.CreateFileMapping(file, nil, win32.PAGE_READONLY, 0, 0, name))
      assert.equal(5000, #map)
      fails("denied", name, filemap.open(name, "rw"))
      assert(filemap.open(name, "r")):close()
    end)
  end)

  describe("a name that the library makes of a section's name", function()
    it("counts as that of a live writer if another program has a mutex by it", function()
      local name = support.unique("Local\\")
      do
        local mutex <close> = assert(sync.mutex(name .. ":filemap-seat1"))
        assert.is_true(mutex:lock(0))
        check.fails("exists", name, require("filemap.state").create(name, 100))
      end
      assert(require("filemap.state").create(name, 100)):close()
    end)
  end)

  describe("memory of a size that the system cannot count in pages", function()
    it("is refused", function()
      check.fails("too_large", "unnamed map", filemap.create(nil, math.maxinteger, { commit = false }))
    end)
  end)

  describe("sync objects of other programs", function()
    it("are opened for waiting alone where they grant no more", function()
      local name = support.unique("Local\\")
      local only_wait <const> = { sddl = "D:(A;;0x100000;;;WD)", manual = true, set = true } -- SYNCHRONIZE
      local made <close> = assert(sync.event(name, only_wait))
      local opened <close> = assert(sync.event(name, { existing = true }))
      assert.is_true(opened:wait(0))
      check.fails("denied", name, opened:reset())
      assert.is_true(made:reset())
      check.fails("timeout", name, opened:wait(0))
    end)
  end)

  describe("a Global name", function()
    it("stands for the same section as in the real calls", function()
      local name = support.unique("Global\\")
      local map <close> = assert(memory(win32.PAGE_READWRITE, 4096, name))
      local view <close> = assert(map:view())
      view:set_u8(0, 7)
      local call = real_calls()
      assert.equal("handle", (call("-", "OpenFileMapping", "FILE_MAP_READ", "FALSE", '"' .. name)))
      assert.same({ "handle", 183 }, { call("-", "CreateFileMapping", "INVALID_HANDLE_VALUE", "NULL",
        "PAGE_READWRITE", "0", "10", '"' .. name) })
    end)
  end)

  describe("memory that the real calls created", function()
    it("has the access and the reservation with which they created it", function()
      local call = real_calls()
      local name = support.unique("Local\\")
      local function made(protect)
        call("map", "CreateFileMapping", "INVALID_HANDLE_VALUE", "NULL", protect, "0", "65536", '"' .. name)
      end
      made("PAGE_EXECUTE_READWRITE")
      do
        local access = win32.FILE_MAP_WRITE | win32.FILE_MAP_EXECUTE
        local map <close> = assert(win32.OpenFileMapping(access, false, name))
        local view <close> = assert(win32.MapViewOfFile(map, access))
        assert.equal("rwx", view:access())
      end
      call("-", "CloseHandle", "map")
      made("PAGE_READWRITE | SEC_RESERVE")
      local map <close> = assert(win32.OpenFileMapping(win32.FILE_MAP_WRITE, false, name))
      local view <close> = assert(win32.MapViewOfFile(map, win32.FILE_MAP_WRITE))
      check.contains("reserved, not committed", check.raises(view, "get_u8", 0))
      assert.is_true(view:commit(0, 1))
      assert.equal(0, view:get_u8(0))
    end)
  end)
end)
