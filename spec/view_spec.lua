-- Views and slices: ranges, access, lifetime, and calls on closed ones.
local filemap = require "filemap"
local check = require "spec.support.check"
local support = require "spec.support"

local raises, contains, fails = check.raises, check.contains, check.fails

local SIZE = 3 * filemap.granularity
local WORDS = { "r", "rw", "copy", "rx", "rwx", "copyx" }
-- The access words that a map or view of each access can give.
local GIVES = {
  r = { r = true, copy = true },
  rw = { r = true, rw = true, copy = true },
  copy = { r = true, copy = true },
  rx = { r = true, copy = true, rx = true, copyx = true },
  rwx = { r = true, rw = true, copy = true, rx = true, rwx = true, copyx = true },
  copyx = { r = true, copy = true, rx = true, copyx = true },
}
local NO_WORDS = { "", "w", "wr", "R", "rw ", "r\0", "copyrw", 1, true, {} }
local PAST = { SIZE + 1, 2^31, 2^32, 2^53, math.maxinteger }
local NO_INTEGERS = { 1.5, 2^63, 0/0, 1/0 }

support.clean()

describe("a view", function()
  local map, view

  before_each(function()
    map = assert(filemap.create(nil, SIZE, { access = "rwx" }))
    view = assert(map:view(0, SIZE, "rw"))
  end)

  after_each(function()
    view:close()
    map:close()
  end)

  it("covers the whole map by default", function()
    local whole <close> = assert(map:view())
    local rest <close> = assert(map:view(5))
    local part <close> = assert(map:view(5, 7))
    local nils <close> = assert(map:view(nil, nil, nil))
    assert.are.same({ SIZE, SIZE - 5, 7, SIZE }, { #whole, #rest, #part, #nils })
    assert.are.same({ SIZE, SIZE - 5, 7, SIZE }, { whole:size(), rest:size(), part:size(), nils:size() })
    assert.are.equal("rwx", whole:access())
    assert.are.equal("integer", math.type(#part))
  end)

  it("starts at any byte and shows the same memory as every other view", function()
    local unit = filemap.granularity
    for _, offset in ipairs { 0, 1, 7, filemap.page_size - 1, filemap.page_size, unit - 1, unit, unit + 1,
      2 * unit,
      SIZE - 1 } do
      local other <close> = assert(map:view(offset, math.min(SIZE - offset, unit)))
      view:set_u8(offset, 0x5A)
      assert.are.equal(0x5A, other:get_u8(0))
      other:set_u8(#other - 1, 0xA5)
      assert.are.equal(0xA5, view:get_u8(offset + #other - 1))
    end
  end)

  it("reads zeros in new memory", function()
    assert.are.equal(("\0"):rep(SIZE), view:get_string(0, SIZE))
  end)

  it("raises for a range past the map's end, with the offset", function()
    for _, offset in ipairs(PAST) do
      local whole = "bad argument #1 to 'view' (offset %d + 0 bytes is past the end of a %d-byte map)"
      contains(whole:format(offset, SIZE), raises(map, "view", offset))
      contains(("bad argument #1 to 'view' (offset %d + 1 bytes is past the end"):format(offset),
        raises(map, "view", offset, 1))
    end
    for _, length in ipairs(PAST) do
      contains(("(offset 0 + %d bytes is past the end of a %d-byte map)"):format(length, SIZE),
        raises(map, "view", 0, length))
      contains(("(offset %d + %d bytes is past the end"):format(SIZE, length),
        raises(map, "view", SIZE, length))
    end
  end)

  it("fails with invalid for a length of 0", function()
    fails("invalid", "unnamed map", map:view(0, 0))
    fails("invalid", "unnamed map", map:view(SIZE, 0))
    fails("invalid", "unnamed map", map:view(SIZE))
    fails("invalid", "unnamed map", view:sub(0, 0))
    fails("invalid", "unnamed map", view:sub(SIZE, 0))
  end)

  it("names its map in the messages of failures", function()
    local name = support.unique()
    local named <close> = assert(filemap.create(name, SIZE))
    local readonly <close> = assert(named:view(0, 10, "r"))
    fails("denied", name, named:view(0, 10, "rx"))
    fails("denied", name, readonly:sub(0, 10, "rw"))
    fails("invalid", name, readonly:sub(0, 0))
  end)

  for _, owner in ipairs { "map", "view" } do
    local method = owner == "map" and "view" or "sub"

    it(("raises for invalid arguments of %s:%s"):format(owner, method), function()
      local object = owner == "map" and map or view
      for _, n in ipairs { -1, math.mininteger } do
        contains(("bad argument #1 to '%s' (offset %d is negative)"):format(method, n),
          raises(object, method, n, 1))
        contains(("bad argument #2 to '%s' (length %d is negative)"):format(method, n),
          raises(object, method, 0, n))
      end
      for _, n in ipairs(NO_INTEGERS) do
        contains(("bad argument #1 to '%s' (number has no integer"):format(method),
          raises(object, method, n, 1))
        contains(("bad argument #2 to '%s' (number has no integer"):format(method),
          raises(object, method, 0, n))
      end
      contains(("bad argument #1 to '%s' (number expected, got table)"):format(method),
        raises(object, method, {}, 1))
      contains(("bad argument #2 to '%s' (number expected, got table)"):format(method),
        raises(object, method, 0, {}))
      for _, word in ipairs(NO_WORDS) do
        contains(("bad argument #3 to '%s' ("):format(method), raises(object, method, 0, 1, word))
      end
    end)

    for _, given in ipairs(WORDS) do
      it(("gives by %s:%s no more access than %q of the %s"):format(owner, method, given, owner), function()
        local root <close> = assert(filemap.create(nil, 100, { access = owner == "map" and given or "rwx" }))
        local parent = root
        if owner == "view" then parent = assert(root:view(0, 100, given)) end
        for _, wanted in ipairs(WORDS) do
          if GIVES[given][wanted] then
            local child <close> = assert(parent[method](parent, 0, 100, wanted))
            assert.are.equal(wanted, child:access())
          else
            fails("denied", "unnamed map", parent[method](parent, 0, 100, wanted))
          end
        end
        local same <close> = assert(parent[method](parent, 0, 100))
        assert.are.equal(given, same:access())
        parent:close()
      end)
    end
  end

  for _, access in ipairs { "r", "rx" } do
    it(("reads what other views write, and raises on writing, with access %q"):format(access), function()
      local readonly <close> = assert(map:view(0, SIZE, access))
      view:set_string(0, "seen")
      assert.are.equal("seen", readonly:get_string(0, 4))
      contains("filemap.view is read-only", raises(readonly, "set_u8", 0, 1))
      contains("filemap.view is read-only", raises(readonly, "set_string", 0, "x"))
      assert.are.equal("seen", view:get_string(0, 4))
    end)
  end

  for _, access in ipairs { "copy", "copyx" } do
    it(("shows what is written only to itself and its slices, with access %q"):format(access), function()
      view:set_string(0, "shared")
      local copy <close> = assert(map:view(0, SIZE, access))
      local other <close> = assert(map:view(0, SIZE, access))
      copy:set_string(0, "mine")
      local slice <close> = assert(copy:sub(0, 6, "r"))
      assert.are.equal("mineed", slice:get_string(0, 6))
      assert.are.equal("shared", view:get_string(0, 6))
      assert.are.equal("shared", other:get_string(0, 6))
    end)
  end

  it("flushes a range, the rest from an offset, or an empty range", function()
    assert.is_true(view:flush())
    assert.is_true(view:flush(1))
    assert.is_true(view:flush(1, 2))
    assert.is_true(view:flush(filemap.page_size + 1, 3, "async"))
    assert.is_true(view:flush(nil, nil, "async"))
    assert.is_true(view:flush(SIZE))
    assert.is_true(view:flush(SIZE, 0))
    for _, access in ipairs(WORDS) do
      local other <close> = assert(map:view(3, 10, access))
      assert.is_true(other:flush(2, 5))
    end
  end)

  it("raises for invalid arguments of flush", function()
    for _, n in ipairs(PAST) do
      local whole = "bad argument #1 to 'flush' (offset 0 + %d bytes is past the end of a %d-byte view)"
      contains(whole:format(n, SIZE), raises(view, "flush", 0, n))
      contains(("bad argument #1 to 'flush' (offset %d + 0 bytes is past the end"):format(n),
        raises(view, "flush", n))
    end
    contains("bad argument #1 to 'flush' (offset -1 is negative)", raises(view, "flush", -1))
    contains("bad argument #2 to 'flush' (length -1 is negative)", raises(view, "flush", 0, -1))
    contains("bad argument #3 to 'flush' (", raises(view, "flush", 0, 1, "sync"))
    contains("bad argument #3 to 'flush' (", raises(view, "flush", 0, 1, true))
    contains("no integer representation", raises(view, "flush", 0.5))
  end)

  it("describes itself with tostring", function()
    local part <close> = assert(map:view(1, 10, "copyx"))
    assert.are.equal("filemap.view (10 bytes, copyx)", tostring(part))
    part:close()
    assert.are.equal("filemap.view (closed)", tostring(part))
    assert.are.equal("filemap.view", getmetatable(part).__name)
  end)

  it("is closed by close, unmap and <close>, any number of times", function()
    for _, method in ipairs { "close", "unmap" } do
      local v = assert(map:view())
      v[method](v)
      v:close()
      v:unmap()
      contains("filemap.view is closed", raises(v, "size"))
    end
    local kept
    do
      local v <close> = assert(map:view())
      kept = v
    end
    contains("filemap.view is closed", raises(kept, "size"))
  end)

  it("raises in every method but close and unmap when it is closed", function()
    view:close()
    local arguments = { sub = { 0, 1 }, size = {}, access = {}, flush = {} }
    for method, list in pairs(arguments) do
      contains("filemap.view is closed", raises(view, method, table.unpack(list)))
    end
    local ok, message = pcall(function() return #view end)
    assert.is_false(ok)
    contains("filemap.view is closed", message)
  end)

  it("raises for a self that is not a view", function()
    for _, method in ipairs { "size", "access", "sub", "flush", "unmap", "close" } do
      for _, self in ipairs { map, io.stdout, {}, "view", 1, false } do
        local ok, message = pcall(view[method], self, 0, 1)
        assert.is_false(ok)
        contains("filemap.view expected, got ", message)
      end
      assert.is_false(pcall(view[method]))
    end
  end)

  it("stays usable after its map was closed", function()
    map:close()
    view:set_string(0, "still here")
    assert.are.equal("still here", view:get_string(0, 10))
    local copy <close> = assert(view:sub(0, 10, "copy"))
    assert.are.equal("still here", copy:get_string(0, 10))
  end)
end)

describe("a slice", function()
  local map, view

  before_each(function()
    map = assert(filemap.create(nil, SIZE))
    view = assert(map:view(3, 100))
  end)

  after_each(function()
    view:close()
    map:close()
  end)

  it("is a part of its view, with offsets from the slice's start", function()
    local slice <close> = assert(view:sub(10, 20))
    local deeper <close> = assert(slice:sub(19, 1))
    assert.are.same({ 20, 20, 1, "rw" }, { #slice, slice:size(), #deeper, slice:access() })
    slice:set_u8(19, 7)
    assert.are.equal(7, deeper:get_u8(0))
    assert.are.equal(7, view:get_u8(29))
    contains("offset 20 + 1 bytes is past the end of a 20-byte view", raises(slice, "get_u8", 20))
  end)

  it("raises for a range past its view's end, although the map is larger", function()
    for _, range in ipairs { { 0, 101 }, { 100, 1 }, { 1, 100 }, { 101, 0 }, { 0, SIZE }, { 2^53, 1 },
      { math.maxinteger, math.maxinteger } } do
      contains(("bad argument #1 to 'sub' (offset %d + %d bytes is past the end of a 100-byte view)"):format(
        range[1], range[2]), raises(view, "sub", range[1], range[2]))
    end
    contains("bad argument #2 to 'sub' (number expected, got no value)", raises(view, "sub", 0))
    contains("bad argument #1 to 'sub' (number expected, got no value)", raises(view, "sub"))
  end)

  it("keeps the mapping alive on its own", function()
    local slice <close> = assert(view:sub(10, 20))
    local deeper <close> = assert(slice:sub(5, 5))
    map:close()
    view:close()
    slice:set_string(0, "0123456789")
    slice:close()
    assert.are.equal("56789", deeper:get_string(0, 5))
  end)

  it("is private with access copy, although its view is shared", function()
    view:set_string(10, "shared")
    local copy <close> = assert(view:sub(10, 6, "copy"))
    local deeper <close> = assert(copy:sub(1, 5))
    copy:set_string(0, "P")
    assert.are.equal("shared", view:get_string(10, 6))
    deeper:set_string(0, "rivat")
    assert.are.equal("Privat", copy:get_string(0, 6))
    assert.are.equal("shared", view:get_string(10, 6))
  end)

  it("stays usable when its view and map are collected, in any order", function()
    for order = 0, 5 do
      local held = { assert(filemap.create(nil, SIZE)) }
      held[2] = assert(held[1]:view())
      held[3] = assert(held[2]:sub(1, 5))
      local first = order % 3 + 1
      held[first] = nil
      collectgarbage()
      held[order < 3 and first % 3 + 1 or (first + 1) % 3 + 1] = nil
      collectgarbage()
      local _, last = next(held)
      assert.is_true(#last > 0)
    end
  end)
end)

describe("a view's memory", function()
  local map, view

  before_each(function()
    map = assert(filemap.create(nil, SIZE))
    view = assert(map:view())
  end)

  after_each(function()
    view:close()
    map:close()
  end)

  it("can be advised on, which never changes the bytes that are read", function()
    local copy <close> = assert(map:view(0, SIZE, "copy"))
    local path = support.tmpname()
    local file <close> = assert(filemap.file(path, "rw", { size = SIZE }))
    local over_file <close> = assert(file:view(3))
    view:set_string(7, "the shared contents")
    for _, v in ipairs { view, copy, over_file } do
      local slice <close> = assert(v:sub(0, #v, "r"))
      for _, hint in ipairs { "normal", "sequential", "random", "willneed", "dontneed" } do
        v:set_string(7, v == copy and "private to this view" or hint)
        local before = v:get_string(0, #v)
        for _, advised in ipairs { v, slice } do
          assert.is_true(advised:advise(hint))
          assert.is_true(advised:advise(hint, 5))
          assert.is_true(advised:advise(hint, 5, 1))
          assert.is_true(advised:advise(hint, #v, 0))
          assert.are.equal(before, v:get_string(0, #v))
        end
      end
    end
    contains("bad argument #1 to 'advise' (invalid option 'maybe')", raises(view, "advise", "maybe"))
    contains("string expected, got no value", raises(view, "advise"))
    for _, far in ipairs(PAST) do
      contains("bad argument #2 to 'advise' (offset", raises(view, "advise", "normal", far))
      contains("is past the end", raises(view, "advise", "normal", 0, far))
    end
    contains("offset -1 is negative", raises(view, "advise", "normal", -1))
    contains("length -1 is negative", raises(view, "advise", "normal", 0, -1))
  end)

  it("can be pinned and unpinned, also several times", function()
    local slice <close> = assert(view:sub(1, 2))
    for _, v in ipairs { view, view, slice } do
      local pinned, message, code = v:pin()
      assert.is_true(pinned or code == "no_memory", message)
    end
    assert.is_true(view:unpin())
    assert.is_true(slice:unpin())
    assert.is_true(view:unpin())
    view:set_u8(0, 1)
  end)

  support.only("posix", "a Windows process may raise its own limit", function()
    support.pins(it, pending, "fails with no_memory in pin past the limit", function()
      local child = support.child("pinner")
      assert.are.equal("no_memory", child:expect())
      child:finish()
    end)
  end)

  it("can be committed where it was only reserved", function()
    local reserved <close> = assert(filemap.create(nil, SIZE, { commit = false }))
    local v <close> = assert(reserved:view(5))
    local again <close> = assert(reserved:view())
    assert.is_true(v:commit(0, 10))
    assert.is_true(v:commit(0, 10))
    v:set_string(0, "0123456789")
    assert.are.equal("0123456789", again:get_string(5, 10))
    assert.is_true(v:commit(#v, 0))
    assert.is_true(v:commit(0, #v))
    v:fill(0, #v, 7)
    assert.are.equal(7, v:get_u8(#v - 1))
    assert.is_true(view:commit(0, SIZE))
    for _, far in ipairs(PAST) do
      contains("bad argument #1 to 'commit' (offset", raises(v, "commit", far, 1))
    end
    contains("length -1 is negative", raises(v, "commit", 0, -1))
    contains("number expected, got no value", raises(v, "commit", 0))
  end)

  it("can be committed only through a map that can write", function()
    local name = support.unique("Local\\")
    local reserved <close> = assert(filemap.create(name, SIZE, { commit = false }))
    local reader <close> = assert(filemap.open(name, "r"))
    local v <close> = assert(reader:view())
    fails("denied", name, v:commit(0, 1))
    local part <close> = assert(assert(reserved:view()):sub(0, SIZE, "r"))
    assert.is_true(part:commit(0, 1))
  end)

  support.only("posix", "Windows pages must be committed first")("reads as 0 where only reserved", function()
    local reserved <close> = assert(filemap.create(nil, SIZE, { commit = false }))
    local v <close> = assert(reserved:view())
    assert.are.equal(("\0"):rep(SIZE), v:get_string(0, SIZE))
  end)

  support.only("win32", "on POSIX reserved memory reads as 0")("raises where it is only reserved", function()
    local name = support.unique("Local\\")
    local reserved <close> = assert(filemap.create(name, SIZE, { commit = false }))
    local opened <close> = assert(filemap.open(name, "rw"))
    local v, w = assert(reserved:view()), assert(opened:view())
    local page = filemap.page_size
    for _, one in ipairs { v, w } do
      contains("bad argument #1 to 'get_u8' (offset 0 + 1 bytes are reserved, not committed)",
        raises(one, "get_u8", 0))
      contains("reserved, not committed", raises(one, "set_u8", 0, 1))
      contains("reserved, not committed", raises(one, "get_string", 0, 10))
      contains("reserved, not committed", raises(one, "fill", 0, SIZE, 1))
      contains("reserved, not committed", select(2, pcall(function() return one:array("u8", 0, 5)[1] end)))
      contains("is past the end", raises(one, "get_u8", SIZE))
      assert.are.equal(SIZE, #one)
    end
    assert.is_true(v:commit(page, page))
    v:set_u8(page, 9)
    assert.are.equal(9, w:get_u8(page))
    assert.are.equal(9, w:array("u8", page, 5)[1])
    contains("reserved, not committed", raises(w, "get_u16", 2 * page - 1))
    contains("reserved, not committed", raises(w, "get_u8", page - 1))
    v:close()
    w:close()
  end)

  it("cannot be reached by its methods with a self that is not a view", function()
    local array = view:array("u8", 0, 1)
    for name, method in pairs(getmetatable(view).__index) do
      for _, other in ipairs { map, array, io.stdout, {}, "x", 1, print } do
        local ok, message = pcall(method, other, 0, 1, 1, 1)
        assert.is_false(ok, name)
        contains("filemap.view expected, got", message)
      end
      assert.is_false(pcall(method), name)
    end
  end)
end)

describe("a finalizer that closes the object of a call", function()
  support.clean()

  -- Runs `call` many times, each time with garbage whose finalizer closes the call's object.
  local function harass(make, call)
    local done = { [true] = 0, [false] = 0 }
    for _ = 1, 300 do
      local victim = make()
      setmetatable({}, { __gc = function() victim:close() end })
      local fine, message = pcall(call, victim)
      done[fine] = done[fine] + 1
      assert.is_truthy(fine or message:find("is closed$"), message)
    end
    return done
  end

  it("makes the call raise, or lets it finish", function()
    local map <close> = assert(filemap.create(nil, 1 << 20))
    assert(map:view()):set_utf16(0, ("x"):rep(100000), 1 << 19)
    local function view() return map:view() end
    harass(view, function(v) assert.are.equal(100000, #v:get_utf16(0)) end)
    harass(view, function(v) assert(v:sub(0, 10)):close() end)
    harass(view, function(v) assert.are.equal(200000, #v:get_string(0, 200000)) end)
    harass(function() return filemap.create(nil, 4096) end, function(m) assert(m:view()):close() end)
  end)
end)

describe("a program in C", function()
  support.clean()

  it("gets FM_CLOSED or NULL from each call of a view that is closed or zeroed", function()
    local folder = package.searchpath("process", package.cpath):match("^(.*[/\\])")
    local child <close> = require("process").spawn { folder .. "views", "closed" }
    assert.equal("done", (child:read(support.deadline)))
    assert.equal(0, child:wait(support.deadline))
  end)
end)
