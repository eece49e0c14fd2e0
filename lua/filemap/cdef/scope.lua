-- Scopes: the meaning of each name in a place. Internal to filemap.cdef.
--
-- An entity is a type { type }, a value { value, T }, a namespace { scope }, or a tag: a struct, union or
-- enum by its own name, { tag, kind, name, type (nil while incomplete), scope (what is declared in it) }. C
-- has two name spaces, of which C++ makes one: `names` come before `tags`. While a struct is read its tag has
-- `open`, `hidden` (the members that follow are private), and `special` (it has more than a C struct, and a
-- struct derived from it may use its padding). A tag whose declaration could not be read has `broken`, the
-- error.
--
-- The enumerators of an enum share one entry in `names`, { values = by name, unsigned = those of u64 by name
-- }; an entity is made of it where one is looked up.
--
-- In the file's scope a name may mean an integer: the number of a declaration that is kept for later (see
-- deferred.lua). `clock` is shared by the scopes of a file: `seq`, which entities get, the number of the
-- declaration at hand, or, for one that is not kept, that of the next one that is; and, while a kept one is
-- read, `limit`, its number: what was declared later is not seen.
local lexer = require "filemap.cdef.lexer"

local Scope = {}
Scope.__index = Scope

-- The entity of a name that several structs declare in themselves.
local AMBIGUOUS = { ambiguous = true }

-- Most structs declare nothing in themselves: their scopes share one empty table.
local EMPTY = {}

--- A scope in another: `kind` is "file", "namespace", "struct" or "enum".
function Scope.new(kind, name, parent, clock)
  return setmetatable({ kind = kind, name = name, parent = parent, names = EMPTY, tags = EMPTY, lent = EMPTY,
                        clock = clock or parent.clock }, Scope)
end

local function writable(self, key)
  if self[key] == EMPTY then self[key] = {} end
  return self[key]
end

-- The entity of an enumerator. Its type in expressions follows from its value.
local function enumerator(entry, name)
  local value = entry.values[name]
  local T = "i64"
  if entry.unsigned and entry.unsigned[name] then T = "u64"
  elseif value >= -0x80000000 and value <= 0x7fffffff then T = "i32"
  elseif value >= 0 and value <= 0xffffffff then T = "u32" end
  return { value = value, T = T }
end

-- The entity of an entry: a kept declaration is read first. nil for a declaration that is being read, and for
-- a later one.
local function settled(self, key, name, entity)
  local limit = self.clock.limit
  if type(entity) == "number" then
    if limit and entity >= limit then return nil end
    self.read_kept(entity)
    entity = self[key][name]
    if type(entity) == "number" then
      self[key][name] = nil
      return nil
    end
  end
  if limit and entity and entity.seq and entity.seq > limit then return nil end
  return entity and entity.values and enumerator(entity, name) or entity
end

-- Looks a name up in this scope alone.
local function look_up(self, key, name)
  local entity = self[key][name]
  if entity ~= nil and (type(entity) == "number" or entity.values or self.clock.limit) then
    return settled(self, key, name, entity)
  end
  return entity
end

-- Whether two types are the same for a second declaration of one name.
local function agree(a, b)
  if a == b then return true end
  return a and b and a.kind == b.kind and a.size == b.size and a.T == b.T and a.tag == b.tag
    and (a.kind ~= "array" or a.count == b.count and agree(a.of, b.of))
    and not (a.tag or a.fields or a.names)
end

--- Declares a name. An earlier declaration of it must have the same type, or come from a struct's own scope.
function Scope:declare(name, entity, at)
  local names = writable(self, "names")
  local there = look_up(self, "names", name)
  if there and not self.lent[names[name]] then
    if not (entity.type and agree(entity.type, there.type)) then
      lexer.fail(at, "'%s' is declared twice", name)
    end
    return there
  end
  entity.seq = self.clock.seq
  names[name] = entity
  return entity
end

--- Declares an enumerator.
-- @param entry what it shares with the other ones of its enum
function Scope:declare_enumerator(name, entry, at)
  local names = writable(self, "names")
  if look_up(self, "names", name) and not self.lent[names[name]] then
    lexer.fail(at, "'%s' is declared twice", name)
  end
  entry.seq = self.clock.seq
  names[name] = entry
end

--- Sets a name without a check.
function Scope:set(name, entity)
  writable(self, "names")[name] = entity
end

--- Sets a tag without a check.
function Scope:set_tag(name, tag)
  writable(self, "tags")[name] = tag
end

-- While a kept declaration is read: the tag that a later declaration has for a name, or one in its place,
-- which stay incomplete for it; nil if there is none.
local function later_tag(self, kind, name)
  local limit, there = self.clock.limit, self.tags[name]
  if not limit or not there then return nil end
  if type(there) == "number" then
    return there > limit and { tag = true, kind = kind, name = name } or nil
  end
  return there.seq and there.seq > limit and there or nil
end

--- The tag of a name in this scope itself, made if there is none.
function Scope:own_tag(kind, name)
  local later = later_tag(self, kind, name)
  if later then return later end
  local tag = look_up(self, "tags", name)
  if not tag or self.lent[tag] and tag.type then
    tag = { tag = true, kind = kind, name = name, seq = self.clock.seq }
    writable(self, "tags")[name] = tag
  end
  return tag
end

--- The entity of a name in this scope itself.
function Scope:own(name)
  return look_up(self, "names", name) or look_up(self, "tags", name)
end

--- The entity of a name in this scope, or in one around it.
function Scope:find(name)
  local scope = self
  repeat
    local found = scope.names[name] or scope.tags[name]
    if found ~= nil and (type(found) == "number" or found.values or scope.clock.limit) then
      found = scope:own(name)
    end
    if found then return found end
    scope = scope.parent
  until not scope
end

--- The tag of a name here, nil if there is none.
function Scope:find_tag(name)
  local scope = self
  repeat
    local found = look_up(scope, "tags", name)
    if found then return found end
    scope = scope.parent
  until not scope
end

local function lend(self, key)
  local from = self[key]
  if from == EMPTY then return 0 end
  local to, lent, count = writable(self.parent, key), writable(self.parent, "lent"), 0
  for name, entity in pairs(from) do
    count = count + 1
    local there = look_up(self.parent, key, name) and self.parent[key][name]
    if not there or there.tag and not there.type and not there.broken and entity.tag then
      to[name], lent[entity] = entity, true
    elseif lent[there] and there ~= entity then
      to[name], lent[AMBIGUOUS] = AMBIGUOUS, true
    end
  end
  return count
end

--- Lets the scope around see what a struct declares in itself, as C has it; the scope's own names come first.
-- Returns how many names that are.
function Scope:close()
  return lend(self, "names") + lend(self, "tags")
end

--- Calls f(name, entity) for all that is declared here and in namespaces here. What is in a namespace, or in
-- several structs, comes by its qualified name; what is in a namespace by its own too, unless the name is
-- declared around it. Declarations that are kept are left out.
function Scope:each(f, prefix, outermost)
  outermost = outermost or self
  for _, list in ipairs { "names", "tags" } do
    for name, entity in pairs(self[list]) do
      if type(entity) ~= "number" then
        if entity.values then entity = enumerator(entity, name) end
        if prefix then f(prefix .. name, entity) end
        local hidden = prefix and (rawget(outermost.names, name) or rawget(outermost.tags, name))
        if not entity.ambiguous and not hidden then f(name, entity) end
      end
    end
  end
  for _, list in ipairs { self.names, self.tags } do
    for name, entity in pairs(list) do
      local inner = type(entity) ~= "number" and entity.scope
      if inner and inner.kind ~= "struct" then inner:each(f, (prefix or "") .. name .. "::", outermost)
      elseif inner then inner:each_ambiguous(self, f, (prefix or "") .. name .. "::") end
    end
  end
end

function Scope:each_ambiguous(around, f, path)
  for _, list in ipairs { "names", "tags" } do
    for name, entity in pairs(self[list]) do
      if around[list][name] == AMBIGUOUS then
        f(path .. name, entity.values and enumerator(entity, name) or entity)
      end
    end
  end
end

return Scope
