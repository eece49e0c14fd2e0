-- Maps shared by two processes. The other process is spec/child/mapper.lua.
local filemap = require "filemap"
local support = require "spec.support"

-- Starts a mapper, and checks the line that it prints first.
local function mapper(expected, ...)
  local child = support.child("mapper", ...)
  if expected then assert.equal(expected, child:expect()) end
  return child
end

local function ask(child, line)
  assert(child:write(line .. "\n"))
  return child:expect()
end

local function code_of(_, _, code)
  return code
end

describe("two processes", function()
  support.clean()

  it("share what either writes, through a named section", function()
    local name = support.unique("Local\\")
    local child = mapper("created", "create", name, 65536)
    local view = assert(assert(filemap.open(name, "rw")):view(0, 1024))
    assert.equal("done", ask(child, "put 100 from the child"))
    assert.equal("from the child", view:get_cstring(100))
    view:set_string(200, "from the parent")
    assert.equal("from the parent", ask(child, "get 200 15"))
    child:finish()
    assert.equal("from the child", view:get_cstring(100))
  end)

  it("see the whole size from the first moment", function()
    local name = support.unique("Local\\")
    local child = mapper("created", "create", name, 3 * 65536)
    assert.equal(3 * 65536, assert(filemap.open(name)):size())
    child:finish()
  end)

  it("cannot both create a name", function()
    local name = support.unique("Local\\")
    local map <close> = assert(filemap.create(name, 10))
    mapper("exists", "create", name, 10):finish()
    assert.equal(10, map:size())
  end)

  it("agree by create_or_open on one creator", function()
    local name = support.unique("Local\\")
    local children, created = {}, 0
    for i = 1, 8 do children[i] = support.child("mapper", "create_or_open", name, 100) end
    for _, child in ipairs(children) do
      if child:expect() == "created" then created = created + 1 end
    end
    assert.equal(1, created)
    assert.equal("done", ask(children[1], "put 0 one section"))
    for _, child in ipairs(children) do assert.equal("one section", ask(child, "get 0 11")) end
    for _, child in ipairs(children) do child:finish() end
  end)

  it("hold a name as long as either has a map", function()
    local name = support.unique("Local\\")
    local child = mapper("created", "create", name, 100)
    local map = assert(filemap.open(name))
    child:finish()
    assert(filemap.open(name)):close()
    map:close()
    assert.equal("not_found", code_of(filemap.open(name)))
  end)

  it("hold a name as long as either has a view alone", function()
    local name = support.unique("Local\\")
    local child = mapper("created", "create", name, 100)
    assert.equal("true", ask(child, "close"))
    assert(filemap.open(name)):close()
    assert.equal("exists", code_of(filemap.create(name, 100)))
    assert.equal("true", ask(child, "unmap"))
    assert.equal("not_found", code_of(filemap.open(name)))
    assert(filemap.create(name, 100)):close()
    child:finish()
  end)

  it("lose the name when the last of them closes its map and exits", function()
    local name = support.unique("Local\\")
    local child = mapper("created", "create", name, 100)
    child:finish()
    assert.equal("not_found", code_of(filemap.open(name)))
  end)

  it("lose the name when the last of them exits without closing its map", function()
    local name = support.unique("Local\\")
    local child = mapper("created", "create", name, 100)
    assert(child:write("exit\n"))
    assert.equal(0, child:wait(support.deadline))
    assert.equal("not_found", code_of(filemap.open(name)))
    assert(filemap.create(name, 50)):close()
  end)

  it("lose the name when the last of them is killed", function()
    local name = support.unique("Local\\")
    local child = mapper("created", "create", name, 100)
    child:kill()
    child:wait(support.deadline)
    assert.equal("not_found", code_of(filemap.open(name)))
    local map <close> = assert(filemap.create(name, 50))
    assert.equal(50, map:size())
  end)

  it("keep the name when one of them is killed", function()
    local name = support.unique("Local\\")
    local map <close> = assert(filemap.create(name, 100))
    local child = mapper("opened", "open", name, "rw")
    assert.equal("done", ask(child, "put 0 still here"))
    child:kill()
    child:wait(support.deadline)
    local view = assert(assert(filemap.open(name)):view())
    assert.equal("still here", view:get_cstring(0))
    assert.equal(100, map:size())
  end)

  it("share a Global\\ name, which is not the Local\\ name", function()
    local name = support.unique("Global\\")
    local child = mapper("created", "create", name, 100)
    assert.equal("not_found", code_of(filemap.open((name:gsub("^Global", "Local")))))
    assert.equal("done", ask(child, "put 0 global"))
    assert.equal("global", assert(assert(filemap.open(name)):view()):get_cstring(0))
    child:finish()
  end)

  it("share a file", function()
    local path = support.tmpname("bin")
    local child = mapper("opened", "file", path, "rw", 5000)
    local map <close> = assert(filemap.file(path, "rw"))
    local view <close> = assert(map:view(4097, 900))
    assert.equal("done", ask(child, "put 4100 through a file"))
    assert.equal("through a file", view:get_cstring(3))
    view:set_string(0, "abc")
    assert.equal("abc", ask(child, "get 4097 3"))
    child:finish()
  end)
end)

describe("a child", function()
  support.clean()

  it("adopts a handle that it inherited", function()
    local map <close> = assert(filemap.create(nil, 100, { inherit = true }))
    local view <close> = assert(map:view())
    view:set_string(0, "inherited")
    local child = mapper("opened", "adopt", map:handle(), 100, "rw")
    assert.equal("inherited", ask(child, "get 0 9"))
    assert.equal("done", ask(child, "put 50 answer"))
    assert.equal("answer", view:get_cstring(50))
    child:finish()
  end)

  it("holds the name of a section that it inherited", function()
    local name = support.unique("Local\\")
    local map = assert(filemap.create(name, 100, { inherit = true }))
    local child = mapper("opened", "adopt", map:handle(), 100, "r")
    map:close()
    assert(filemap.open(name)):close()
    child:finish()
    assert.equal("not_found", code_of(filemap.open(name)))
  end)

  it("fails to adopt a handle of a smaller section or an invalid handle", function()
    local map <close> = assert(filemap.create(nil, 4096, { inherit = true }))
    mapper("too_small", "adopt", map:handle(), 1 << 20, "rw"):finish()
    mapper("invalid", "adopt", 0x7ffffff0, 100, "rw"):finish()
  end)

  it("does not inherit handles by default", function()
    local name = support.unique("Local\\")
    local map = assert(filemap.create(name, 100))
    local unnamed <close> = assert(filemap.create(nil, 100))
    local child = support.child("mapper", "nothing")
    map:close()
    assert.equal("not_found", code_of(filemap.open(name)))
    mapper("invalid", "adopt", unnamed:handle(), 100, "rw"):finish()
    child:finish()
  end)
end)
