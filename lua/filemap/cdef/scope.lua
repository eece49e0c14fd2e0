-- Scopes: the meaning of each name in a place. Internal to filemap.cdef.
--
-- An entity is a type { type }, a value { value, T }, a namespace { scope }, or a tag: a struct, union or
-- enum by its own name, { tag, kind, name, type (nil while incomplete), scope (what is declared in it) }. C
-- has two name spaces, of which C++ makes one: `names` come before `tags`. While a struct is read its tag has
-- `open`, `hidden` (the members that follow are private), and `special` (it has more than a C struct, and a
-- struct derived from it may use its padding). A tag whose declaration could not be read has `broken`, the
-- error.
--
-- The enumerators of an enum share one entry in `names`, { values = by name, unsigned = those of u64 by name,
-- T = the type of those that int does not hold, all = the type of all of them }, of which T and `all` may be
-- nil; an entity is made of it where one is looked up.
--
-- A name is searched from the scope at hand outwards, as C++ does: in the scope, in the base of a struct, and
-- in the namespaces that `using` opens there. To C, what a struct declares in its body belongs to the scope
-- around the struct: the struct exports it. That scope has it in `exported_names` and `exported_tags`, which
-- are searched last: a text that C and C++ accept means the same either way.
--
-- In a file's or a namespace's scope a name may mean an integer: the number of a declaration that is kept for
-- later (see deferred.lua). For an enum's tag it is negative, and the enum is read when the tag is looked up.
-- The tag of a struct that has been looked up and whose body is still kept has that number in `kept`.
-- `mentioned` has the tags that a kept declaration declares without a body, with its number. `clock` is
-- shared by all scopes: `seq`, which entities get, the number of the declaration at hand, or, for one that is
-- not kept, one between those of the kept ones around it; and, while a kept one is read, `limit`, its number:
-- what was declared later is not seen.
local lexer = require "filemap.cdef.lexer"

local Scope = {}
Scope.__index = Scope

-- What a name means that is declared in several scopes.
local AMBIGUOUS = { ambiguous = true }

-- Most structs declare nothing in themselves: their scopes share one empty table.
local EMPTY = {}

--- What the scopes of one source share. `is_cpp` is whether it is read as C++. Its owner sets `read_kept`, a
-- function that reads a declaration by its number.
function Scope.clock(is_cpp)
  return { seq = 0, is_cpp = is_cpp, directives = 0, steps = 0 }
end

--- A scope in another: `kind` is "given", "file", "namespace", "struct" or "enum".
function Scope.new(kind, name, parent, clock)
  return setmetatable({ kind = kind, name = name, parent = parent, names = EMPTY, tags = EMPTY,
                        exported_names = EMPTY, exported_tags = EMPTY, mentioned = EMPTY,
                        clock = clock or parent.clock }, Scope)
end

local function writable(self, key)
  if self[key] == EMPTY then self[key] = {} end
  return self[key]
end

-- {-- One scope ------------------------------------------------------------------------------------

-- The entity of an enumerator. Its type in expressions is int where that holds its value, and else the
-- enum's; before the end of the enum it follows from the value. C++ and a fixed type have one type for all.
local function enumerator(entry, name)
  local value = entry.values[name]
  if value == nil then return nil end
  local T = entry.T or "i64"
  if entry.all then T = entry.all
  elseif entry.unsigned and entry.unsigned[name] then T = "u64"
  elseif value >= -0x80000000 and value <= 0x7fffffff then T = "i32"
  elseif not entry.T and value >= 0 and value <= 0xffffffff then T = "u32" end
  return { value = value, T = T, is_enumerator = true }
end
Scope.enumerator = enumerator

-- The entity of an entry of `list`: a kept declaration is read first. nil for a declaration that is being
-- read, and for a later one.
local function settled(clock, list, key, entity, name)
  local limit = clock.limit
  if type(entity) == "number" then
    if limit and entity >= limit then return nil end
    clock.read_kept(entity)
    entity = list[key]
    if type(entity) == "number" then
      list[key] = nil
      return nil
    end
  end
  if limit and entity and entity.seq and entity.seq > limit then return nil end
  return entity and entity.values and enumerator(entity, name) or entity
end

-- Looks a name up among a scope's own names.
local function own_name(self, name)
  local entity = self.names[name]
  if entity ~= nil and (type(entity) == "number" or entity.values or self.clock.limit) then
    return settled(self.clock, self.names, name, entity, name)
  end
  return entity
end

-- Looks a tag up among a scope's own. That of a struct whose body is kept stays incomplete. `kind` is what it
-- is called here.
local function own_known_tag(self, name, kind)
  local tag = self.tags[name]
  if tag == nil and self.mentioned == EMPTY then return nil end
  local clock = self.clock
  local limit = clock.limit
  if type(tag) == "number" and tag < 0 and not (limit and -tag >= limit) then
    clock.read_kept(-tag)
    if self.tags[name] == tag then self.tags[name] = nil end
    tag = self.tags[name]
  end
  if type(tag) == "table" then
    return not (limit and tag.seq and tag.seq > limit) and tag or nil
  end
  local number = self.mentioned[name] or tag and math.abs(tag)
  if not number or limit and number >= limit then return nil end
  self.mentioned[name] = nil
  -- (The declaration with that number does not see the tag before its place in it.)
  tag = { tag = true, kind = kind or "struct", name = name, seq = number + 0.5,
    kept = tag and math.abs(tag) }
  writable(self, "tags")[name] = tag
  return tag
end

--- The entity of a name in this scope itself. `tags_only` looks for a tag alone, also one that using A::B
-- brings.
function Scope:own(name, tags_only)
  if not tags_only then return own_name(self, name) or own_known_tag(self, name) end
  local tag = own_known_tag(self, name, tags_only)
  if tag or self.names[name] == nil then return tag end
  local named = own_name(self, name)
  return named and named.is_alias and named.type and named.type.tag and named.type or nil
end

--- A namespace of a name that `namespace` opens again: of this scope, or of an inline namespace in it; or
-- what else the name means in this scope.
function Scope:own_namespace(name)
  local found = self:own(name)
  for _, entry in ipairs(not found and self.opens or EMPTY) do
    local inner = entry.is_inline and entry.scope:own_namespace(name)
    if inner and inner.scope and not inner.tag then return inner end
  end
  return found
end

-- {-- Declaring ------------------------------------------------------------------------------------

-- Whether two types are the same for a second declaration of one name.
local function agree(a, b)
  if a == b then return true end
  return a and b and a.kind == b.kind and a.size == b.size and a.T == b.T and a.tag == b.tag
    and (a.kind ~= "array" or a.count == b.count and agree(a.of, b.of))
    and not (a.tag or a.fields or a.names)
end

-- Whether two entities that one name has in two scopes are one to a program.
local function same(a, b)
  if a == b then return true end
  if a.value ~= nil or b.value ~= nil then return a.value == b.value and a.T == b.T end
  if a.scope and a.scope == b.scope then return true end
  local first, second = a.tag and a or a.type, b.tag and b or b.type
  return first ~= nil and agree(first, second)
end
Scope.same = same

--- Declares a name. An earlier declaration of it here must have the same type.
function Scope:declare(name, entity, at)
  local there = own_name(self, name)
  if there then
    if not (entity.type and agree(entity.type, there.type)) then
      lexer.fail(at, "'%s' is declared twice", name)
    end
    return there
  end
  entity.seq = self.clock.seq
  writable(self, "names")[name] = entity
  return entity
end

--- Declares an enumerator.
-- @param entry what it shares with the other ones of its enum
function Scope:declare_enumerator(name, entry, at)
  if own_name(self, name) then lexer.fail(at, "'%s' is declared twice", name) end
  entry.seq = self.clock.seq
  writable(self, "names")[name] = entry
end

--- Lets a name mean an entity, or the number of a declaration that is kept, without a check.
function Scope:set(name, entity)
  writable(self, "names")[name] = entity
end

--- The same for a tag.
function Scope:set_tag(name, tag)
  writable(self, "tags")[name] = tag
end

--- The tag of a name in this scope itself, made if there is none. One that only a later declaration has so
-- far is declared here.
function Scope:own_tag(kind, name)
  local tag = own_known_tag(self, name, kind)
  if tag then return tag end
  local there, clock = self.tags[name], self.clock
  if type(there) == "table" then
    there.seq = clock.seq
    return there
  end
  local number = there and math.abs(there)
  tag = { tag = true, kind = kind, name = name, seq = clock.seq }
  if number and number ~= clock.limit then tag.kept = number end
  writable(self, "tags")[name] = tag
  return tag
end

--- Notes that a kept declaration declares a tag without a body, unless it is declared already.
function Scope:mention(name, number)
  if self.tags[name] == nil and self.mentioned[name] == nil then
    writable(self, "mentioned")[name] = number
  end
end

--- Whether a tag of a name is declared here or around, or exported.
function Scope:has_tag(name)
  local scope = self
  repeat
    if scope.tags[name] ~= nil or scope.mentioned[name] then return true end
    if scope.exported_tags[name] and not scope.clock.is_cpp then return true end
    scope = scope.parent
  until not scope
  return false
end

-- {-- Exports --------------------------------------------------------------------------------------

-- The place of a declaration in a list of several: the first one that is not before `number`.
local function place_of(several, number)
  local first, last = 1, #several.at
  while first <= last do
    local middle = first + last >> 1
    if several.at[middle] < number then first = middle + 1 else last = middle - 1 end
  end
  return first
end

-- Adds what a struct declares in itself to a list of the scope around: an entity, or the number of a kept
-- declaration, in the place of which its entity comes when it is read. Where several structs export a name,
-- the list has { several = true, what each exports, at = the number of each declaration }.
local function export_one(list, name, entity, clock)
  local there, number = list[name], clock.limit or type(entity) == "number" and entity or clock.seq
  if there == nil or there == number then
    list[name] = entity
  elseif type(there) == "table" and there.several then
    local place = place_of(there, number)
    if there.at[place] ~= number then
      table.insert(there, place, entity)
      table.insert(there.at, place, number)
    elseif there[place] == number then
      there[place] = entity
    elseif there[place] ~= entity then
      there[place] = AMBIGUOUS
    end
  elseif there ~= entity then
    local before = type(there) == "number" and there or there.seq or 0
    list[name] = { several = true, there, entity, at = { before, number } }
  end
end

--- Exports a name or a tag, by the key of the list, to this scope.
function Scope:export(key, name, entity)
  export_one(writable(self, key), name, entity, self.clock)
end

local function export_all(self, from, key)
  if from == EMPTY then return 0 end
  local count, to = 0, writable(self.parent, key)
  for name, entity in next, from do
    count = count + 1
    export_one(to, name, entity.several and AMBIGUOUS or entity, self.clock)
  end
  return count
end

--- Exports all that a struct declares in itself to the scope around. Returns how many names that are.
function Scope:close()
  return export_all(self, self.names, "exported_names") + export_all(self, self.tags, "exported_tags")
    + export_all(self, self.exported_names, "exported_names")
    + export_all(self, self.exported_tags, "exported_tags")
end

-- The entity of a name that several structs export: the one that is there, if the declarations of all others
-- could not be read or come later.
local function one_of_several(clock, several, name)
  local found
  for place, number in ipairs(several.at) do
    if clock.limit and number >= clock.limit then break end
    local entity = several[place] and settled(clock, several, place, several[place], name)
    several[place] = several[place] or false
    if entity and found then return AMBIGUOUS end
    found = found or entity or nil
  end
  return found
end
Scope.one_of_several = one_of_several

-- An exported entity of a list; one that is ambiguous if several structs export the name.
local function exported_one(clock, list, name)
  local entity = list[name]
  if entity == nil then return nil end
  if type(entity) == "number" then entity = settled(clock, list, name, entity, name) end
  if entity and entity.several then return one_of_several(clock, entity, name) end
  return entity and settled(clock, list, name, list[name], name)
end

--- The tag that a struct of this scope exports; nil if there is none.
function Scope:exported_tag(name)
  return exported_one(self.clock, self.exported_tags, name)
end

-- Looks a name up as C does: an enumerator or a tag that a struct here or around declares. (C has no
-- typedefs and no constants in structs.)
local function find_exported(self, name, tags_only)
  local scope, clock = self, self.clock
  repeat
    local found
    if not tags_only and scope.exported_names[name] ~= nil then
      found = exported_one(clock, scope.exported_names, name)
      if found and not (found.is_enumerator or found.ambiguous) then found = nil end
    end
    found = found or scope.exported_tags[name] ~= nil and exported_one(clock, scope.exported_tags, name)
    if found then return found end
    scope = scope.parent
  until scope.kind == "given"
end

-- {-- using namespace ------------------------------------------------------------------------------

-- Whether a scope is another one, or in it.
local function is_in(self, other)
  local scope = self
  while scope and scope ~= other do scope = scope.parent end
  return scope ~= nil
end

--- using namespace, in the scope of a file or a namespace; `is_part` for an inline namespace of the scope,
-- and for one without a name.
function Scope:open_namespace(namespace, is_part, is_inline)
  local clock = self.clock
  clock.directives = clock.directives + 1
  self.opens = self.opens or {}
  self.opens[#self.opens + 1] = { scope = namespace, seq = clock.seq, is_part = is_part,
    is_inline = is_inline }
end

-- A search may go through MOST_OPEN namespaces, or bases of bases, for free: real headers need fewer. The
-- searches of a source that go through more may take MOST_STEPS steps together.
local MOST_OPEN, MOST_STEPS = 64, 1000000

-- Counts the steps of a search.
local function spend(clock, steps)
  if steps <= MOST_OPEN then return end
  clock.steps = clock.steps + steps
  if clock.steps > MOST_STEPS then
    lexer.fatal(1, "too many namespaces are open, or structs have too many bases")
  end
end

-- Adds the namespaces that a scope opens, and those that they open: by namespace, the seq from which on its
-- names are seen.
local function add_opened(found, scope, seq, depth)
  local opens = scope.opens or EMPTY
  spend(scope.clock, math.max(depth, #opens))
  for _, entry in ipairs(opens) do
    local since = math.max(seq, entry.seq)
    if not found[entry.scope] or found[entry.scope] > since then
      found[entry.scope] = since
      add_opened(found, entry.scope, since, depth + 1)
    end
  end
end

-- The namespaces that are open in a scope: a list of { namespace, seq, level }. To a name, those of `level`
-- stand beside that scope: it is the innermost one around the namespace and the scope that opens it.
local function opened(self)
  local scope = self
  while scope.kind == "struct" or scope.kind == "enum" do scope = scope.parent end
  local clock = scope.clock
  if scope.opened_at == clock.directives then return scope.opened end
  local list, opener = {}, scope
  repeat
    local found = {}
    add_opened(found, opener, 0, 0)
    for namespace, seq in pairs(found) do
      local level = opener
      while not is_in(namespace, level) do level = level.parent end
      list[#list + 1] = { namespace = namespace, seq = seq, level = level }
    end
    opener = opener.parent
  until not opener
  scope.opened, scope.opened_at = list, clock.directives
  return list
end

-- The entity of a name in a scope or in the namespaces that are open in it.
local function with_opened(list, level, name, found, tags_only)
  spend(level.clock, #list)
  for _, entry in ipairs(list) do
    local limit = level.clock.limit
    if entry.level == level and not (limit and entry.seq > limit) then
      local other = entry.namespace:own(name, tags_only)
      if other and found and not same(found, other) then return AMBIGUOUS end
      found = found or other
    end
  end
  return found
end

-- {-- Searching ------------------------------------------------------------------------------------

--- What a name means behind '::', in this scope alone: its own, that of the struct itself, or that of the
-- bases of a struct, or of the namespaces that it opens. `seen` are scopes that were searched before, by
-- themselves, and `depth` is their number.
function Scope:member(name, tags_only, seen, depth)
  local found = self:own(name, tags_only) or self.name == name and self.tag
  if found then return found end
  local inner, limit = self.bases or self.opens, self.clock.limit
  if not inner then return nil end
  seen, depth = seen or {}, (depth or 0) + 1
  seen[self] = true
  spend(self.clock, math.max(depth, #inner))
  for _, entry in ipairs(inner) do
    local scope = entry.scope or entry
    local is_seen = seen[scope] or limit and entry.scope and entry.seq > limit
    local other = not is_seen and scope:member(name, tags_only, seen, depth)
    if other and found and not same(found, other) then return AMBIGUOUS end
    found = found or other or nil
  end
  return found
end

--- The entity of a name in this scope, or in one around it. `tags_only` looks for a tag, and is what it is
-- called there: "struct", "union" or "enum".
function Scope:find(name, tags_only)
  local scope, clock = self, self.clock
  local open = clock.directives > 0 and opened(self)
  repeat
    local found
    if scope.names[name] ~= nil or scope.tags[name] ~= nil or scope.mentioned[name] then
      found = scope:own(name, tags_only)
    end
    if not found and scope.bases then found = scope:member(name, tags_only) end
    if open then found = with_opened(open, scope, name, found, tags_only) end
    if not found and scope.kind == "file" and not clock.is_cpp then
      found = find_exported(self, name, tags_only)
    end
    if found then return found end
    scope = scope.parent
  until not scope
end

-- {-- Results --------------------------------------------------------------------------------------

--- The inline namespaces of this scope, and the one without a name.
function Scope:parts()
  local list = {}
  for _, entry in ipairs(self.opens or EMPTY) do
    if entry.is_part then list[#list + 1] = entry.scope end
  end
  return list
end

--- The entities of a name in this scope, a list: of the name and of the tag, or else of those that its
-- structs export. `qualified` is whether the name follows '::'.
function Scope:meanings(name, qualified)
  local list, clock = {}, self.clock
  list[1] = own_name(self, name)
  list[#list + 1] = own_known_tag(self, name)
  if list[1] then return list end
  for _, part in ipairs(qualified and self:parts() or EMPTY) do
    local found = part:meanings(name, true)
    if found[1] then return found end
  end
  list[1] = qualified and self:member(name) or nil
  if list[1] then return list end
  list[#list + 1] = exported_one(clock, self.exported_names, name)
  list[#list + 1] = exported_one(clock, self.exported_tags, name)
  return list
end

return Scope
