-- What messages say about the most likely mistakes: an object of another type, a path in place of a name, an
-- argument in another's place.
local check = require "spec.support.check"
local filemap = require "filemap"
local support = require "spec.support"

local contains, raises = check.contains, check.raises

support.clean()

describe("a message", function()
  local map, view

  before_each(function()
    map = assert(filemap.create(nil, 100))
    view = assert(map:view())
  end)

  after_each(function()
    view:close()
    map:close()
  end)

  it("tells how to get the view of a map that was given in its place", function()
    local expected = "filemap.view expected, got filemap.map; the map's method view makes one"
    contains(expected, raises(view, "copy", 0, map, 0, 1))
    contains(expected, raises(view, "equals", 0, map, 0, 1))
    local get = view.get_i32
    contains(expected, select(2, pcall(get, map, 0)))
  end)

  it("calls a wrong userdata by its name", function()
    local array, stream <close> = view:array("u8", 0, 4), view:stream()
    local objects = { map = map, view = view, array = array, stream = stream }
    for name, object in pairs(objects) do
      for wrong, other in pairs(objects) do
        if wrong ~= name then
          contains(("filemap.%s expected, got filemap.%s"):format(name, wrong),
            select(2, pcall(getmetatable(object).__tostring, other)))
        end
      end
      contains("number expected, got filemap." .. name, raises(view, "set_i32", 0, object))
      contains("number expected, got filemap." .. name, raises(view, "get_i32", object))
      contains("number expected, got filemap." .. name, raises(array, "set", 1, { object }))
      contains("string expected, got filemap." .. name, raises(view, "set_string", 0, object))
      contains("string expected, got filemap." .. name, raises(stream, "write", object))
      contains("string expected, got filemap." .. name, raises(filemap, ".open", object))
      contains("table expected, got filemap." .. name, raises(filemap, ".create", nil, 1, object))
    end
    contains("filemap.view expected, got FILE*", raises(view, "copy", 0, io.stdout, 0, 1))
    contains("number expected, got FILE*", raises(view, "set_f64", 0, io.stdout))
    contains("number expected, got FILE*", raises(view, "store_i32", 0, io.stdout))
    contains("filemap.array expected, got filemap.view", raises(array, "copy", 1, view, 1, 1))
  end)

  it("names the argument that is a closed view", function()
    local closed = assert(map:view())
    closed:close()
    contains("bad argument #2 to 'copy' (filemap.view is closed)", raises(view, "copy", 0, closed, 0, 1))
    contains("bad argument #2 to 'equals' (filemap.view is closed)", raises(view, "equals", 0, closed, 0, 1))
  end)

  it("points to filemap.file for a path in place of a name", function()
    for _, path in ipairs { "/dev/shm/x", "./x", "../x", "~/x", "C:\\x", "c:/x" } do
      for _, call in ipairs { "open", "create" } do
        local opened, message, code = filemap[call](path, call == "create" and 10 or "r")
        if opened then opened:close() -- a name may contain a slash
        else
          assert.is_true(code == "invalid" or code == "not_found", code)
          contains("filemap.file", message)
        end
      end
    end
    for _, name in ipairs { support.unique("Local\\"), support.unique("Global\\") } do
      assert.is_nil(select(2, filemap.open(name)):find("filemap.file", 1, true))
    end
  end)

  it("tells where options and the access go", function()
    contains("the options are the next argument", raises(filemap, ".open", "x", { size = 10 }))
    contains('table expected, got string; the access is an option: { access = "rw" }',
      raises(filemap, ".create", nil, 10, "rw"))
  end)

  it("shows how a mode is written", function()
    for _, mode in ipairs { 384, "600x", "0066", true } do
      contains([[(option 'mode' must be an octal string such as "0600" that lets the owner read, got ]]
        .. tostring(mode), raises(filemap, ".create", nil, 10, { mode = mode }))
    end
  end)

  it("says what is wrong with a time-out", function()
    local event <close> = assert(require("filemap.sync").event(support.unique("Local\\")))
    contains("(time-out must not be negative, got -1.0)", raises(event, "wait", -1))
    contains("(time-out must not be NaN)", raises(event, "wait", 0 / 0))
    contains("number expected, got string", raises(event, "wait", "x"))
  end)
end)
