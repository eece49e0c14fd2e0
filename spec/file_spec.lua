-- Maps of files: creating, growing, resizing, flushing, and paths that are not regular files.
local filemap = require "filemap"
local lfs = require "lfs"
local process = require "process"
local check = require "spec.support.check"
local support = require "spec.support"

local raises, contains, fails = check.raises, check.contains, check.fails

local GRANULE = filemap.granularity

local function write(path, bytes)
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(bytes))
end

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

local function is_missing(path)
  assert.is_nil(lfs.attributes(path))
end

support.clean()

describe("filemap.file", function()
  local path

  before_each(function()
    path = support.tmpname()
  end)

  it("maps an existing file for reading, with the file's size", function()
    for _, size in ipairs { 1, 100, GRANULE - 1, GRANULE, GRANULE + 1 } do
      local bytes = ("0123456789"):rep(size // 10 + 1):sub(1, size)
      write(path, bytes)
      local map <close> = assert(filemap.file(path))
      local view <close> = assert(map:view())
      assert.are.same({ size, size, "r", "r" }, { #map, #view, map:access(), view:access() })
      assert.are.equal(bytes, view:get_string(0, size))
      assert.is_nil(map:name())
      assert.are.equal(("filemap.map (%s, %d bytes, r)"):format(path, size), tostring(map))
    end
  end)

  it("fails with not_found for a missing file or folder", function()
    for _, access in ipairs { "r", "rw", "copy" } do fails("not_found", path, filemap.file(path, access)) end
    fails("not_found", path, filemap.file(path, "r", { size = 1 }))
    fails("not_found", path, filemap.file(path, "copy", { size = 1 }))
    fails("not_found", path, filemap.file(path))
    is_missing(path)
    local inside = path .. "/in/no/folder"
    fails("not_found", inside, filemap.file(inside, "rw", { size = 1 }))
    fails("not_found", "", filemap.file("", "rw", { size = 1 }))
  end)

  it("creates a file of the requested size, filled with zeros", function()
    for _, size in ipairs { 1, GRANULE - 1, GRANULE + 1 } do
      local map <close> = assert(filemap.file(path, "rw", { size = size }))
      assert.are.equal(size, #map)
      map:close()
      assert.are.equal(("\0"):rep(size), read(path))
      os.remove(path)
    end
  end)

  it("grows a file and keeps its contents", function()
    write(path, "here before")
    local map <close> = assert(filemap.file(path, "rw", { size = GRANULE + 1 }))
    local view <close> = assert(map:view())
    assert.are.equal(GRANULE + 1, #view)
    assert.are.equal("here before\0", view:get_string(0, 12))
    assert.are.equal(GRANULE + 1, lfs.attributes(path, "size"))
  end)

  it("never shrinks a file", function()
    write(path, ("x"):rep(1000))
    for _, size in ipairs { 1, 999, 1000 } do
      local map <close> = assert(filemap.file(path, "rw", { size = size }))
      assert.are.equal(1000, #map)
    end
    assert.are.equal(("x"):rep(1000), read(path))
  end)

  it("takes size as a minimum for r and copy, and does not change the file", function()
    write(path, ("x"):rep(1000))
    for _, access in ipairs { "r", "copy" } do
      for _, size in ipairs { 1, 999, 1000 } do
        local map <close> = assert(filemap.file(path, access, { size = size }))
        assert.are.equal(1000, #map)
      end
      for _, size in ipairs { 1001, 2^31, 2^53, math.maxinteger } do
        fails("too_small", path, filemap.file(path, access, { size = size }))
      end
    end
    assert.are.equal(("x"):rep(1000), read(path))
  end)

  it("refuses an impossible size, and neither creates nor changes the file", function()
    for _, size in ipairs { 2^50, 2^53, 2^62, math.maxinteger } do
      fails("no_space no_memory too_large", path, filemap.file(path, "rw", { size = size }))
      is_missing(path)
    end
    write(path, "as it was")
    fails("no_space no_memory too_large", path, filemap.file(path, "rw", { size = 2^50 }))
    assert.are.equal("as it was", read(path))
  end)

  it("grows a file with commit = false too", function()
    local map <close> = assert(filemap.file(path, "rw", { size = 2^20, commit = false }))
    local view <close> = assert(map:view(2^20 - 1))
    view:set_u8(0, 1)
    assert.are.equal(2^20, lfs.attributes(path, "size"))
  end)

  it("opens an empty file, and rejects a view of it as invalid", function()
    write(path, "")
    for _, access in ipairs { "r", "rw", "copy" } do
      local map <close> = assert(filemap.file(path, access))
      assert.are.equal(0, #map)
      fails("invalid", path, map:view())
      fails("invalid", path, map:view(0, 0))
      contains("offset 0 + 1 bytes is past the end of a 0-byte map", raises(map, ":view", 0, 1))
    end
    fails("too_small", path, filemap.file(path, "r", { size = 1 }))
    local grown <close> = assert(filemap.file(path, "rw", { size = 5 }))
    assert.are.equal(5, #grown)
  end)

  it("rejects a size of 0 as invalid", function()
    write(path, "x")
    for _, access in ipairs { "r", "rw", "copy" } do
      fails("invalid", path, filemap.file(path, access, { size = 0 }))
    end
  end)

  it("does not write the changes of a copy map to the file", function()
    write(path, "in the file")
    local map <close> = assert(filemap.file(path, "copy"))
    local view <close> = assert(map:view())
    view:set_string(0, "for me")
    assert.is_true(view:flush())
    assert.are.equal("for me file", view:get_string(0, 11))
    assert.are.equal("in the file", read(path))
    fails("denied", path, map:view(0, 1, "rw"))
  end)

  it("shares writes with other maps, and with readers of the file after a flush", function()
    write(path, ("-"):rep(2 * GRANULE))
    local map <close> = assert(filemap.file(path, "rw"))
    local other <close> = assert(assert(filemap.file(path)):view())
    local view <close> = assert(map:view(GRANULE - 2))
    view:set_string(0, "flushed")
    assert.are.equal("flushed", other:get_string(GRANULE - 2, 7))
    assert.is_true(view:flush(1, 6))
    assert.are.equal("-flushed-", read(path):sub(GRANULE - 2, GRANULE + 6))
    view:set_string(8, "later")
    assert.is_true(view:flush(8, 5, "async"))
    assert.is_true(view:flush())
    assert.are.equal("later", read(path):sub(GRANULE + 7, GRANULE + 11))
  end)

  it("raises on a write to an r map, and denies it an rw view", function()
    write(path, "safe")
    local map <close> = assert(filemap.file(path))
    local view <close> = assert(map:view())
    contains("filemap.view is read-only", raises(view, ":set_u8", 0, 1))
    fails("denied", path, map:view(0, 4, "rw"))
    fails("denied", path, map:view(0, 4, "rx"))
    local copy <close> = assert(map:view(0, 4, "copy"))
    copy:set_u8(0, 1)
    assert.are.equal("safe", read(path))
  end)

  it("opens a file with each access word", function()
    write(path, "x")
    for _, access in ipairs { "r", "rw", "copy", "rx", "rwx", "copyx" } do
      local map <close> = assert(filemap.file(path, access))
      assert.are.equal(access, map:access())
    end
  end)

  it("accepts a path in UTF-8", function()
    local utf8 = path .. "-ä€\u{1D11E}"
    local map = assert(filemap.file(utf8, "rw", { size = 10 }))
    local view = assert(map:view())
    view:set_string(0, "by UTF-8")
    view:close()
    map:close()
    local again <close> = assert(filemap.file(utf8))
    local seen <close> = assert(again:view())
    assert.are.equal("by UTF-8", seen:get_string(0, 8))
    assert.are.equal(utf8, tostring(again):match("%((.*), 10 bytes, r%)$"))
    seen:close()
    again:close()
    assert.is_true(os.remove(utf8))
  end)

  it("rejects a path with NUL as invalid", function()
    write(path, "x")
    fails("invalid", path, filemap.file(path .. "\0"))
    fails("invalid", path .. "x", filemap.file(path .. "x\0y", "rw", { size = 1 }))
    is_missing(path .. "x")
  end)

  it("rejects a folder as invalid", function()
    assert(lfs.mkdir(path))
    for _, access in ipairs { "r", "rw", "copy" } do fails("invalid", path, filemap.file(path, access)) end
    fails("invalid", path, filemap.file(path, "rw", { size = 1 }))
    assert(lfs.rmdir(path))
  end)

  it("rejects large_pages as unsupported", function()
    write(path, "x")
    fails("unsupported", path, filemap.file(path, "r", { large_pages = true }))
  end)

  it("raises for wrong arguments and options", function()
    for field, values in pairs {
      size = { -1, math.mininteger, 1.5, 2^63, 0/0, "x", true, {} },
      mode = { 600, "", "0999", "07777", true, {} }, sddl = { 1, true }, name = { 1, true, "a\0" },
      inherit = { 1, "true" }, commit = { 1, "false" }, large_pages = { 1, "yes" },
    } do
      for _, value in ipairs(values) do
        contains(("bad argument #3 to 'file' (option '%s' must be "):format(field),
          raises(filemap, ".file", path, "rw", { [field] = value }))
      end
    end
    for _, field in ipairs { "access", "sise", 1 } do
      contains(("bad argument #3 to 'file' (unknown option '%s')"):format(field),
        raises(filemap, ".file", path, "rw", { [field] = "rw" }))
    end
    for _, access in ipairs { "", "w", "R", 1, true, {} } do
      contains("bad argument #2 to 'file' (access must be ", raises(filemap, ".file", path, access))
    end
    contains("bad argument #3 to 'file' (table expected, got number)", raises(filemap, ".file", path, "r", 1))
    contains("bad argument #1 to 'file' (string expected, got nil)", raises(filemap, ".file", nil))
    is_missing(path)
  end)

  support.only("posix", "Windows has no POSIX permissions, FIFOs and devices", function()
    it("creates a file with the permissions of mode, and keeps those of an existing file", function()
      for mode, permissions in pairs { ["0600"] = "rw-------", ["666"] = "rw-rw-rw-",
        ["0640"] = "rw-r-----" } do
        filemap.file(path, "rw", { size = 1, mode = mode }):close()
        assert.are.equal(permissions, lfs.attributes(path, "permissions"))
        filemap.file(path, "rw", { size = 2, mode = "0777" }):close()
        assert.are.equal(permissions, lfs.attributes(path, "permissions"))
        os.remove(path)
      end
      filemap.file(path, "rw", { size = 1 }):close()
      assert.are.equal("rw-------", lfs.attributes(path, "permissions"))
    end)

    it("grows the memory of another process, to which a path in /proc leads", function()
      local map <close> = assert(filemap.create(nil, 4096))
      local memory = ("/proc/%d/fd/%d"):format(process.pid(), map:handle())
      local larger <close> = assert(filemap.file(memory, "rw", { size = 8192 }))
      assert.are.equal(8192, #larger)
      assert.are.equal(8192, #assert(filemap.file(memory)))
    end)

    it("rejects a FIFO or device as invalid without waiting", function()
      assert.is_true(os.execute(("mkfifo '%s'"):format(path)))
      for _, special in ipairs { path, "/dev/null", "/dev/zero" } do
        for _, access in ipairs { "r", "rw", "copy" } do
          fails("invalid", special, filemap.file(special, access))
        end
        fails("invalid", special, filemap.file(special, "rw", { size = 1 }))
      end
    end)

    it("rejects name and sddl as unsupported", function()
      fails("unsupported", path, filemap.file(path, "rw", { size = 1, name = support.unique() }))
      fails("unsupported", path, filemap.file(path, "rw", { size = 1, sddl = "D:(A;;GA;;;WD)" }))
      is_missing(path)
    end)

    it("fails with not_found if a folder of the path is a file", function()
      write(path, "x")
      fails("not_found", path .. "/x", filemap.file(path .. "/x"))
    end)

    it("fails with denied to open a file for writing that has no write permission", function()
      fails("denied", "/proc/sys/kernel/ostype", filemap.file("/proc/sys/kernel/ostype", "rw"))
    end)

    support.natively(it)("fails with in_use to open a running program for writing", function()
      local sleep <close> = assert(io.open("/bin/sleep", "rb"))
      write(path, sleep:read("a"))
      assert(os.execute("chmod 700 " .. path))
      local program <close> = process.spawn { path, "60" }
      fails("in_use", path, filemap.file(path, "rw"))
      assert.is_truthy(program)
      local map <close> = assert(filemap.file(path))
      local view <close> = assert(map:view(0, 4))
      assert.are.equal("\x7fELF", view:get_string(0, 4))
    end)
  end)

  support.only("win32", "on POSIX a map of a file has no name", function()
    it("gives the mapping a name", function()
      local name = support.unique()
      local map <close> = assert(filemap.file(path, "rw", { size = 100, name = name }))
      assert.are.equal(name, map:name())
      local other <close> = assert(filemap.open(name, "rw", { size = 100 }))
      local written <close> = assert(other:view())
      local seen <close> = assert(map:view())
      written:set_string(0, "one mapping")
      assert.are.equal("one mapping", seen:get_string(0, 11))
      fails("exists", path, filemap.file(path, "rw", { name = name }))
      fails("invalid", path, filemap.file(path, "rw", { name = "a\\b" }))
      fails("invalid", path, filemap.file(path, "rw", { name = "" }))
    end)

    it("fails with denied to open a read-only file for writing", function()
      write(path, "x")
      assert.is_true(process.protect(path, true))
      local writable = io.open(path, "r+b")
      local result = table.pack(filemap.file(path, "rw"))
      local readable = assert(filemap.file(path))
      local size = #readable
      readable:close()
      if writable then writable:close() end
      if result[1] then result[1]:close() end
      assert.is_true(process.protect(path, false))
      assert.are.equal(1, size)
      if writable then return pending("root under wine may write to a read-only file") end
      fails("denied", path, table.unpack(result, 1, result.n))
    end)

    it("accepts an sddl, and rejects a malformed one as invalid", function()
      local map <close> = assert(filemap.file(path, "rw", { size = 1, sddl = "D:(A;;GA;;;WD)" }))
      assert.are.equal(1, #map)
      fails("invalid", path .. "2", filemap.file(path .. "2", "rw", { size = 1, sddl = "nonsense" }))
      is_missing(path .. "2")
    end)
  end)
end)

describe("map:resize", function()
  local path, map

  before_each(function()
    path = support.tmpname()
    write(path, "0123456789")
    map = assert(filemap.file(path, "rw"))
  end)

  after_each(function()
    map:close()
  end)

  it("grows and shrinks the file", function()
    for _, size in ipairs { GRANULE + 1, 10, 10, 1, GRANULE, 5 } do
      assert.is_true(map:resize(size))
      assert.are.equal(size, #map)
      assert.are.equal(size, lfs.attributes(path, "size"))
      local view <close> = assert(map:view())
      assert.are.equal(size, #view)
      assert.are.equal("0", view:get_string(0, 1))
      view:set_u8(size - 1, view:get_u8(size - 1))
    end
    assert.are.equal("0\0\0\0\0", read(path))
  end)

  it("grows an empty file", function()
    map:close()
    write(path, "")
    map = assert(filemap.file(path, "rw"))
    assert.is_true(map:resize(3))
    local view <close> = assert(map:view())
    view:set_string(0, "abc")
    view:close()
    assert.are.equal("abc", read(path))
  end)

  it("fails with in_use while a view or slice is open", function()
    local view = assert(map:view())
    local slice = assert(view:sub(1, 2))
    fails("in_use", path, map:resize(20))
    view:close()
    fails("in_use", path, map:resize(20))
    fails("in_use", path, map:resize(10))
    slice:close()
    assert.is_true(map:resize(20))
  end)

  it("fails with denied on a map without write access", function()
    for _, access in ipairs { "r", "copy" } do
      local readonly <close> = assert(filemap.file(path, access))
      fails("denied", path, readonly:resize(20))
      assert.are.equal(10, #readonly)
    end
    assert.are.equal("0123456789", read(path))
  end)

  it("rejects an invalid or impossible size, and changes nothing", function()
    fails("invalid", path, map:resize(0))
    for _, size in ipairs { 2^50, 2^53, 2^62, math.maxinteger } do
      fails("no_space no_memory too_large", path, map:resize(size))
    end
    contains("bad argument #1 to 'resize' (size -1 is negative)", raises(map, ":resize", -1))
    for _, size in ipairs { 1.5, 2^63, 0/0 } do
      contains("bad argument #1 to 'resize' (number has no integer", raises(map, ":resize", size))
    end
    contains("bad argument #1 to 'resize' (number expected, got table)", raises(map, ":resize", {}))
    assert.are.equal(10, #map)
    assert.are.equal("0123456789", read(path))
    local view <close> = assert(map:view())
    assert.are.equal("0123456789", view:get_string(0, 10))
  end)
end)
