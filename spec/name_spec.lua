-- Names of sections: which are valid, how long they live, and which filemap.list returns.
local filemap = require "filemap"
local lfs = require "lfs"
local check = require "spec.support.check"
local support = require "spec.support"

local contains, fails = check.contains, check.fails

local SIZE = filemap.page_size

-- A name of this length that no other process uses.
local function name_of(length)
  local name = support.unique()
  return name .. ("n"):rep(length - #name)
end

-- Checks that the section exists, and that opening it does not change that. Returns its size.
local function is_there(name)
  local map <close> = assert(filemap.open(name))
  fails("exists", name, filemap.create(name, SIZE))
  return #map
end

-- Checks that the name is free: it cannot be opened, and it can be created.
local function is_free(name)
  fails("not_found", name, filemap.open(name))
  local map <close> = assert(filemap.create(name, SIZE))
  assert.are.equal(SIZE, #map)
end

local function collect()
  collectgarbage()
  collectgarbage()
end

support.clean()

describe("a name", function()
  it("is created by create and found by open", function()
    local name = support.unique()
    is_free(name)
    local map <close> = assert(filemap.create(name, SIZE))
    assert.are.equal(name, map:name())
    assert.are.equal(SIZE, is_there(name))
    local other <close> = assert(filemap.open(name, "rw"))
    local written <close> = assert(map:view())
    local read <close> = assert(other:view())
    written:set_string(0, "one section")
    assert.are.equal("one section", read:get_string(0, 11))
  end)

  it("stands for the same section with and without Local\\", function()
    local name = support.unique()
    local map <close> = assert(filemap.create(name, SIZE))
    assert.are.equal(SIZE, is_there("Local\\" .. name))
    local view <close> = assert(map:view())
    view:set_u32(0, 4711)
    local other <close> = assert(assert(filemap.open("Local\\" .. name)):view())
    assert.are.equal(4711, other:get_u32(0))
    local prefixed <close> = assert(filemap.create("Local\\" .. name .. "2", SIZE))
    assert.are.equal("Local\\" .. name .. "2", prefixed:name())
    assert.are.equal(SIZE, is_there(name .. "2"))
  end)

  it("can be created and opened with Global\\", function()
    local name = support.unique()
    local map <close> = assert(filemap.create("Global\\" .. name, SIZE))
    assert.are.equal("Global\\" .. name, map:name())
    assert.are.equal(SIZE, is_there("Global\\" .. name))
    map:close()
    is_free("Global\\" .. name)
  end)

  support.only("posix", "in session 0 of Windows the Local names are the Global names", function()
    it("stands for another section without a prefix than with Global\\", function()
      local name = support.unique()
      local map <close> = assert(filemap.create("Global\\" .. name, SIZE))
      is_free(name)
      assert.are.equal(SIZE, #map)
    end)
  end)

  it("is case-sensitive", function()
    local name = support.unique() .. "case"
    local map <close> = assert(filemap.create(name, SIZE))
    is_free(name:gsub("case$", "Case"))
    is_free(name:gsub("case$", "CASE"))
    assert.are.equal(SIZE, #map)
  end)

  local function calls_for(name)
    return {
      create = function() return filemap.create(name, 1) end,
      open = function() return filemap.open(name) end,
      create_or_open = function() return filemap.create_or_open(name, 1) end,
    }
  end

  local VALID = {
    ["200 bytes"] = name_of(200),
    ["200 bytes after Local\\"] = "Local\\" .. name_of(200),
    ["200 bytes after Global\\"] = "Global\\" .. name_of(200),
    ["200 bytes of UTF-8"] = name_of(80) .. ("€"):rep(40),
    ["characters past U+FFFF"] = support.unique() .. "\u{1D11E}\u{10FFFF}",
    ["/ in it"] = support.unique() .. "/a//b/",
    ["/ after Local\\"] = "Local\\/" .. support.unique(),
    ["dots and spaces"] = ".. " .. support.unique() .. " ..",
    ["%"] = support.unique() .. "%s%n%d",
    ["a line break"] = support.unique() .. "\n",
    ["a start that resembles a prefix"] = "LocaL" .. support.unique(),
  }
  for what, name in pairs(VALID) do
    it("may have " .. what, function()
      is_free(name)
      local map <close> = assert(filemap.create(name, SIZE))
      assert.are.equal(SIZE, is_there(name))
      assert.are.equal(name, map:name())
    end)
  end

  it("may have one byte", function()
    for _, name in ipairs { "q", "Local\\q", "Global\\q" } do
      local map <close>, created = filemap.create_or_open(name, SIZE)
      assert.is_true(#map == SIZE and math.type(#map) == "integer" and created ~= nil)
    end
  end)

  local INVALID = {
    ["no bytes"] = "", ["no bytes after Local\\"] = "Local\\", ["no bytes after Global\\"] = "Global\\",
    ["201 bytes"] = ("n"):rep(201), ["201 bytes after Local\\"] = "Local\\" .. ("n"):rep(201),
    ["201 bytes of UTF-8"] = ("€"):rep(67), ["a million bytes"] = ("n"):rep(1000000),
    ["\\ in it"] = "a\\b", ["\\ in it after Local\\"] = "Local\\a\\b", ["\\ at the end"] = "a\\",
    ["only \\"] = "\\", ["two prefixes"] = "Local\\Global\\a", ["a prefix in lower case"] = "local\\a",
    ["a byte that is not UTF-8"] = "a\xff", ["an incomplete character"] = "a\xE2\x82",
    ["an overlong form"] = "a\xC0\xAF", ["a surrogate"] = "a\xED\xA0\x80",
    ["a code point past U+10FFFF"] = "a\xF4\x90\x80\x80",
  }
  for what, name in pairs(INVALID) do
    it("is invalid with " .. what, function()
      for _, call in pairs(calls_for(name)) do fails("invalid", name, call()) end
    end)
  end

  it("is invalid with NUL", function()
    local start = support.unique()
    for _, call in pairs(calls_for(start .. "\0x")) do fails("invalid", start, call()) end
    for _, call in pairs(calls_for("\0")) do fails("invalid", "", call()) end
    is_free(start)
  end)
end)

describe("a named section", function()
  local HOLDERS = { "map", "view", "slice", "another map" }

  local function hold(name)
    local map = assert(filemap.create(name, SIZE))
    local view = assert(map:view(1, 100))
    return { map = map, view = view, slice = assert(view:sub(3, 4)),
      ["another map"] = assert(filemap.open(name)) }
  end

  -- Returns all permutations of a list.
  local function orders(list, first, found)
    if first == #list then found[#found + 1] = table.move(list, 1, #list, 1, {}) end
    for i = first, #list do
      list[first], list[i] = list[i], list[first]
      orders(list, first + 1, found)
      list[first], list[i] = list[i], list[first]
    end
    return found
  end

  for _, order in ipairs(orders(HOLDERS, 1, {})) do
    it("is removed when the last of these is closed: " .. table.concat(order, ", "), function()
      local name = support.unique()
      local held = hold(name)
      for i, holder in ipairs(order) do
        assert.are.equal(SIZE, is_there(name))
        held[holder]:close()
        if i < #order then assert.are.equal(SIZE, is_there(name)) end
      end
      is_free(name)
    end)

    it("is removed when the last of these is collected: " .. table.concat(order, ", "), function()
      local name = support.unique()
      local held = hold(name)
      for _, holder in ipairs(order) do
        assert.are.equal(SIZE, is_there(name))
        held[holder] = nil
        collect()
      end
      is_free(name)
    end)
  end

  it("can be created again under the same name any number of times, each time filled with zeros", function()
    local name = support.unique()
    for i = 1, 50 do
      local map <close> = assert(filemap.create(name, SIZE))
      local view <close> = assert(map:view())
      assert.are.equal(0, view:get_u32(0))
      view:set_u32(0, i)
    end
    is_free(name)
  end)

  it("is not changed by calls that fail", function()
    local name = support.unique()
    local map <close> = assert(filemap.create(name, SIZE))
    fails("exists", name, filemap.create(name, SIZE))
    fails("exists", name, filemap.create(name, 1, { access = "r", mode = "0400" }))
    fails("too_small", name, filemap.open(name, "r", { size = 2 * SIZE }))
    fails("too_small", name, filemap.create_or_open(name, 2 * SIZE))
    fails("invalid", name, filemap.create_or_open(name, 0))
    assert.are.equal(SIZE, is_there(name))
    assert.are.equal(SIZE, #map)
  end)
end)

-- The size with which a section of so many bytes is listed. Windows keeps no other sizes than those of whole
-- pages.
local function listed_size(bytes)
  return support.windows and (bytes + SIZE - 1) // SIZE * SIZE or bytes
end

describe("filemap.list", function()
  local function listed(name)
    local found
    for _, entry in ipairs(assert(filemap.list())) do
      assert.are.equal("string", type(entry.name))
      if entry.name == name then
        assert.is_nil(found)
        found = entry.size
      end
    end
    return found
  end

  it("returns the live names with their sizes", function()
    local name = support.unique()
    local plain <close> = assert(filemap.create(name, 10))
    local slash <close> = assert(filemap.create("Local\\" .. name .. "/x/", 2^20))
    local global <close> = assert(filemap.create("Global\\" .. name, SIZE + 1))
    assert.are.equal(listed_size(#plain), listed("Local\\" .. name))
    assert.are.equal(listed_size(#slash), listed("Local\\" .. name .. "/x/"))
    assert.are.equal(listed_size(#global), listed("Global\\" .. name))
    assert.is_nil(listed(name))
    assert.are.equal("integer", math.type(listed("Local\\" .. name)))
  end)

  it("returns 100 live names, and no name whose map is closed", function()
    local name, maps = support.unique(), {}
    for i = 1, 100 do maps[i] = assert(filemap.create(name .. "." .. i, i)) end
    for i = 1, 100 do assert.are.equal(listed_size(i), listed(("Local\\%s.%d"):format(name, i))) end
    for _, map in ipairs(maps) do map:close() end
    for i = 1, 100 do assert.is_nil(listed(("Local\\%s.%d"):format(name, i))) end
  end)
end)

support.only("win32", "POSIX supports the call and such names", function()
  describe("filemap.unlink", function()
    it("fails with unsupported", function()
      fails("unsupported", "/x", filemap.unlink("/x"))
    end)
  end)

  describe("a name that starts with /", function()
    it("has no special meaning", function()
      local name = support.unique("/")
      local map <close> = assert(filemap.create(name, SIZE))
      assert.are.equal(SIZE, is_there(name))
      map:close()
      is_free(name)
    end)
  end)
end)

support.only("posix", "Windows has no folder of names and no verbatim names", function()
  local FOLDER = "/dev/shm/"

  local function contents()
    local files = {}
    for file in lfs.dir(FOLDER) do files[file] = true end
    return files
  end

  -- The path in /dev/shm of a name's section while the section exists.
  local function path_of(name)
    local before = contents()
    local map <close> = assert(filemap.create(name, SIZE))
    local plain = name:match("[^\\]*$")
    for file in pairs(contents()) do
      if not before[file] and file:find(plain, 1, true) then return FOLDER .. file, #map end
    end
    error("no file for " .. name)
  end

  describe("a name that starts with /", function()
    it("stands for the file of that name in /dev/shm, which stays until it is unlinked", function()
      local name = support.unique("/")
      local map = assert(filemap.create(name, SIZE))
      local view = assert(map:view())
      view:set_string(0, "verbatim")
      assert.are.equal(name, map:name())
      assert.are.equal(SIZE, lfs.attributes(FOLDER .. name, "size"))
      view:close()
      map:close()
      assert.are.equal(SIZE, is_there(name))
      local again = assert(filemap.open(name, "rw"))
      assert.is_true(filemap.unlink(name))
      local kept <close> = assert(again:view())
      assert.are.equal("verbatim", kept:get_string(0, 8))
      again:close()
      assert.is_nil(lfs.attributes(FOLDER .. name))
      fails("not_found", name, filemap.open(name))
      fails("not_found", name, filemap.unlink(name))
    end)

    it("opens a file that another program made, of any size but 0", function()
      local name = support.unique("/")
      local file <close> = assert(io.open(FOLDER .. name, "w"))
      fails("exists", name, filemap.create(name, 1))
      fails("invalid", name, filemap.open(name))
      file:write("by hand"):flush()
      local view <close> = assert(assert(filemap.open(name)):view())
      assert.are.equal("by hand", view:get_string(0, #view))
      fails("too_small", name, filemap.create_or_open(name, 8))
      assert.is_true(filemap.unlink(name))
    end)

    it("must have 1 to 200 bytes after the /, without a second /", function()
      for _, name in ipairs { "/", "//", "/a/b", "/../a", "/..", "/.", "/" .. ("n"):rep(201), "/a\\b",
        "/a\xff" } do
        fails("invalid", name, filemap.create(name, 1))
        fails("invalid", name, filemap.open(name))
        fails("invalid", name, filemap.unlink(name))
      end
      local name = "/" .. name_of(200)
      local map <close> = assert(filemap.create(name, 1))
      assert.are.equal(1, #map)
      assert.is_true(filemap.unlink(name))
    end)

    it("is not listed", function()
      local name = support.unique("/")
      local map <close> = assert(filemap.create(name, SIZE))
      for _, entry in ipairs(assert(filemap.list())) do
        assert.is_nil(entry.name:find(name:sub(2), 1, true))
      end
      assert.is_true(filemap.unlink(map:name()))
    end)
  end)

  describe("filemap.unlink", function()
    it("fails with invalid for names that do not start with /, and does not remove them", function()
      local name = support.unique()
      for _, full in ipairs { name, "Local\\" .. name, "Global\\" .. name } do
        local map <close> = assert(filemap.create(full, SIZE))
        fails("invalid", full, filemap.unlink(full))
        assert.are.equal(#map, is_there(full))
      end
      fails("invalid", "", filemap.unlink(""))
      fails("invalid", "/x", filemap.unlink("/x\0y"))
    end)

    it("raises for an argument that is not a string", function()
      for _, name in ipairs { true, {} } do
        local ok, message = pcall(function() return (filemap.unlink(name)) end)
        assert.is_false(ok)
        contains("bad argument #1 to 'unlink' (string expected, got " .. type(name), message)
      end
      assert.is_false(pcall(filemap.unlink))
    end)
  end)

  it("is not listed if no call accepts it, or if it is an empty file", function()
    local uid = lfs.attributes("/proc/self", "uid")
    local start = support.unique()
    local files = { start .. "\xff", start .. ".empty" }
    local child = support.child("evaluator")
    for i, name in ipairs(files) do
      local path = ("%sfilemap.%d.%s"):format(FOLDER, uid, name)
      -- A map of the file by its path holds the locks that show a live section.
      child:ask("m%d = assert(filemap.create(%q, 1)) assert(os.rename(%q, %q))", i, start .. i,
        ("%sfilemap.%d.%s%d"):format(FOLDER, uid, start, i), path)
      files[i] = path
    end
    assert(os.execute(("truncate -s 0 '%s'"):format(files[2])))
    local listed = {}
    for _, entry in ipairs(assert(filemap.list())) do
      if entry.name:find(start, 1, true) then listed[#listed + 1] = entry.name end
    end
    for _, path in ipairs(files) do os.remove(path) end
    child:finish()
    assert.are.same({}, listed)
  end)

  it("is told in a message of whole characters, however long it is", function()
    local uid = lfs.attributes("/proc/self", "uid")
    for _, more in ipairs { 60, 80, 85, 90, 91 } do
      local name = support.unique():sub(-15) .. ("é"):rep(more)
      local path = ("%sfilemap.%d.%s"):format(FOLDER, uid, name)
      assert(lfs.mkdir(path))
      local _, message, code = filemap.create(name, 1)
      assert(lfs.rmdir(path))
      assert.are.equal("invalid", code)
      assert.is_truthy(utf8.len(message), message)
      contains("its file is not a regular file", message)
    end
  end)

  -- Objects that another user may have put at the path of a name's file: the command that makes one, and its
  -- mode as lfs reports it.
  local PLANTS = {
    ["a FIFO"] = { "mkfifo '%s'", "named pipe" },
    ["a folder"] = { "mkdir '%s'", "directory" },
    ["a symbolic link to a file"] = { "ln -s /etc/hostname '%s'", "link" },
    ["a symbolic link to a device"] = { "ln -s /dev/zero '%s'", "link" },
    ["a symbolic link to nothing"] = { "ln -s /dev/shm/filemap-none '%s'", "link" },
    ["a symbolic link to itself"] = { "ln -s '%s' '%s'", "link" },
  }
  for what, plant in pairs(PLANTS) do
    for _, prefix in ipairs { "", "Global\\", "/" } do
      it(("is invalid where %s is planted, which is not changed: %sName"):format(what, prefix), function()
        local name = prefix .. support.unique()
        local path = prefix == "/" and FOLDER .. name:sub(2) or path_of(name)
        assert.is_true(os.execute(plant[1]:gsub("%%s", path)))
        local calls = {
          table.pack(filemap.create(name, SIZE)), table.pack(filemap.open(name)),
          table.pack(filemap.open(name, "rw")), table.pack(filemap.create_or_open(name, SIZE)),
          n = 4,
        }
        local list = assert(filemap.list())
        local kind = lfs.symlinkattributes(path, "mode")
        os.execute(("rm -rf '%s'"):format(path))
        for i = 1, calls.n do fails("invalid", name, table.unpack(calls[i], 1, calls[i].n)) end
        for _, entry in ipairs(list) do assert.is_nil(entry.name:find(name, 1, true)) end
        assert.are.equal(plant[2], kind)
      end)
    end
  end

  describe("the option mode", function()
    local MODES = {
      ["0600"] = "rw-------", ["600"] = "rw-------", ["0644"] = "rw-r--r--", ["0666"] = "rw-rw-rw-",
      ["0777"] = "rwxrwxrwx", ["0400"] = "r--------",
    }

    it("sets the file's permissions, whatever the umask is", function()
      for mode, permissions in pairs(MODES) do
        for _, name in ipairs { support.unique(), support.unique("Global\\"), support.unique("/") } do
          local before = contents()
          local map <close> = assert(filemap.create(name, SIZE, { mode = mode }))
          local path
          for file in pairs(contents()) do path = before[file] and path or FOLDER .. file end
          local found = lfs.attributes(path, "permissions")
          if name:sub(1, 1) == "/" then filemap.unlink(name) end
          assert.are.equal(permissions, found)
          assert.are.equal(SIZE, #map)
        end
      end
    end)

    it("is 0600 by default", function()
      local name = support.unique("/")
      local map <close> = assert(filemap.create(name, SIZE))
      local found = lfs.attributes(FOLDER .. name, "permissions")
      filemap.unlink(map:name())
      assert.are.equal("rw-------", found)
    end)
  end)
end)
