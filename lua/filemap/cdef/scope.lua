-- What names mean, and where. Internal to filemap.cdef.
--
-- An entity is a type { type }, a value { value, T }, a namespace { scope }, or a tag: a struct, union or enum by its
-- own name, { tag, kind, name, type (nil while incomplete), scope (what is declared in it) }. C has two name spaces, of
-- which C++ makes one: `names` come before `tags`. While a struct is read, its tag says `open`, `hidden` (what follows
-- is private), and `special` (it is more than C has, and its padding may be used by what derives from it).
local lexer = require "filemap.cdef.lexer"

local Scope = {}
Scope.__index = Scope

-- What stands for a name that several structs have declared in themselves.
local AMBIGUOUS <const> = { ambiguous = true }

--- A scope in another: `kind` is "file", "namespace", "struct" or "enum".
function Scope.new(kind, name, parent)
  return setmetatable({ kind = kind, name = name, parent = parent, names = {}, tags = {}, lent = {} }, Scope)
end

--- Declares a name. One that is there already must be the same, or lent by a struct.
function Scope:declare(name, entity, at)
  local there = self.names[name]
  if there and not self.lent[there] and not (entity.type and there.type == entity.type)
    and not (entity.type and there.type and there.type.kind == entity.type.kind
      and there.type.size == entity.type.size and there.type.T == entity.type.T) then
    lexer.fail(at, "'%s' is declared twice", name)
  end
  self.names[name] = entity
  return entity
end

--- The tag of a name in this scope itself, made if there is none.
function Scope:own_tag(kind, name)
  local tag = self.tags[name]
  if not tag or self.lent[tag] and tag.type then
    tag = { tag = true, kind = kind, name = name }
    self.tags[name] = tag
  end
  return tag
end

--- What a name means in this scope itself.
function Scope:own(name)
  return self.names[name] or self.tags[name]
end

--- What a name means here: in this scope, or in one around it.
function Scope:find(name)
  local scope = self
  repeat
    local found = scope.names[name] or scope.tags[name]
    if found then return found end
    scope = scope.parent
  until not scope
end

--- The tag of a name here, nil if there is none.
function Scope:find_tag(name)
  local scope = self
  repeat
    local found = scope.tags[name]
    if found then return found end
    scope = scope.parent
  until not scope
end

local function lend(from, to, lent)
  local count = 0
  for name, entity in pairs(from) do
    count = count + 1
    local there = to[name]
    if not there or there.tag and not there.type and entity.tag then
      to[name], lent[entity] = entity, true
    elseif lent[there] and there ~= entity then
      to[name], lent[AMBIGUOUS] = AMBIGUOUS, true
    end
  end
  return count
end

--- Lets the scope around see what a struct declares in itself, as C has it; what it declares itself comes first.
-- Returns how many names that are.
function Scope:close()
  local parent = self.parent
  return lend(self.names, parent.names, parent.lent) + lend(self.tags, parent.tags, parent.lent)
end

--- Calls f(name, entity) for all that is declared here and in namespaces here. What is in a namespace, or in several
-- structs, comes by its qualified name; what is in a namespace by its own too, which may not be free.
function Scope:each(f, prefix)
  for _, list in ipairs { "names", "tags" } do
    for name, entity in pairs(self[list]) do
      if prefix then f(prefix .. name, entity) end
      if not entity.ambiguous then f(name, entity) end
    end
  end
  for _, list in ipairs { self.names, self.tags } do
    for name, entity in pairs(list) do
      local inner, path = entity.scope, (prefix or "") .. name .. "::"
      if inner and inner.kind ~= "struct" then inner:each(f, path)
      elseif inner then inner:each_ambiguous(self, f, path) end
    end
  end
end

function Scope:each_ambiguous(around, f, path)
  for _, list in ipairs { "names", "tags" } do
    for name, entity in pairs(self[list]) do
      if around[list][name] == AMBIGUOUS then f(path .. name, entity) end
    end
  end
end

return Scope
