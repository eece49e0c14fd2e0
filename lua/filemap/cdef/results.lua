-- The three results of a parse: tables of types and constants, and the list of what was skipped. Internal to
-- filemap.cdef.
--
-- A declaration that the parser kept is read when the program uses its name, and all of them when the program
-- iterates over a table or asks for the list.
local each = require "filemap.cdef.listing"
local lexer = require "filemap.cdef.lexer"
local Scope = require "filemap.cdef.scope"
local struct_type = require "filemap.struct.type"

local Results = {}
Results.__index = Results

-- The bytes of a source whose results are made one by one, as the program uses them.
local LARGE = 1 << 19

-- {-- Types ----------------------------------------------------------------------------------------

-- An entity's C type, or the error of one that was skipped.
local function type_of(parser, entity)
  local type_ = entity.tag and entity or entity.type
  if not type_ or not type_.tag then return type_, entity.broken end
  local complete = parser:complete(type_)
  return complete, not complete and type_.broken or nil
end

-- The public object of a C type: of a struct or union, with methods.
local function object_of(type_)
  if not type_.size then return nil end
  return type_.fields and struct_type.of(type_) or type_
end

-- Takes an entity as what a name means, unless another one was taken before. Returns the table that has it
-- now.
local function take(self, name, entity)
  if entity.value ~= nil then
    if rawget(self.constants, name) == nil then rawset(self.constants, name, entity.value) end
  elseif rawget(self.types, name) == nil then
    local type_, problem = type_of(self.parser, entity)
    if type_ then rawset(self.types, name, object_of(type_))
    else self.broken[name] = self.broken[name] or problem end
  end
end

-- Takes what a name means in one scope.
local function take_all(self, name, list)
  for _, entity in ipairs(list) do
    if not entity.ambiguous then take(self, name, entity) end
  end
end

-- Takes what a name means that only namespaces declare, if all that declare a type of the name, or a
-- constant, agree. `list` are their entities.
local function take_agreed(self, name, list)
  local type_, value, types_agree, values_agree = nil, nil, true, true
  for _, entity in ipairs(list) do
    if entity.ambiguous then
      types_agree, values_agree = false, false
    elseif entity.value ~= nil then
      value = value or entity
      values_agree = values_agree and Scope.same(value, entity)
    else
      local complete, problem = type_of(self.parser, entity)
      if complete or problem then
        type_ = type_ or entity
        types_agree = types_agree and Scope.same(type_, entity)
      end
    end
  end
  if type_ and types_agree then take(self, name, type_) end
  if value and values_agree then take(self, name, value) end
end

-- {-- Reading --------------------------------------------------------------------------------------

-- Raises an error of the source, at the program's access of a table: so many levels up.
local function raise_problem(self, problem, level)
  error("cdef: " .. self.sources:describe(problem), level + 1)
end

-- Calls f and returns its result. An error of the source is raised at the program's access of a table.
local function checked(self, f, ...)
  local well, result = pcall(f, ...)
  if well then return result end
  if type(result) ~= "table" then error(result, 0) end
  raise_problem(self, result, 4)
end

-- Takes the values of all macros.
function Results:collect_macros()
  if self.has_macros then return end
  self.has_macros = true
  self.parser:macro_constants(self.constants)
  self.parser.stream:release()
end

-- Takes what a name means that has no '::': in the file, or else in its namespaces. `list` are the entities
-- in namespaces, nil if they are to be looked up.
local function take_plain(self, name, list)
  local parser = self.parser
  local in_file = parser.file:meanings(name, true)
  if in_file[1] then return take_all(self, name, in_file) end
  for k = 2, list and 0 or #parser.namespaces do
    list = list or {}
    for _, entity in ipairs(parser.namespaces[k]:meanings(name)) do list[#list + 1] = entity end
  end
  take_agreed(self, name, list or {})
end

-- Takes all types and constants, once all declarations have been read.
local function collect(self)
  local plain, room = {}, 1000000 + 16 * self.sources.bytes
  each(self.parser.file, function(path, entity, name)
    room = room - #(path or "")
    if room < 0 then lexer.fatal(1, "the names in namespaces are too long together") end
    if path and path ~= name then take(self, path, entity) end
    if name then
      plain[name] = plain[name] or {}
      plain[name][#plain[name] + 1] = entity
    end
  end)
  for name, list in pairs(plain) do take_plain(self, name, list) end
end

-- Takes the list of skipped declarations, in the order of the source.
local function collect_skipped(self)
  local list, sources = {}, self.sources
  for _, entry in ipairs(self.parser.skipped) do
    local name, problem = entry.name or entry.tag and entry.tag.name, entry.problem
    if name or not entry.nested then
      local file, line, column = sources:position(problem.at)
      local message = (file and file .. ": " or "") .. sources:message(problem)
      list[#list + 1] = { name = name, file = file, line = line, column = column, message = message,
        at = problem.at }
    end
  end
  table.sort(list, function(a, b) return a.at < b.at end)
  for i, entry in ipairs(list) do
    entry.at = nil
    rawset(self.skipped, i, entry)
  end
end

local function read_all(self)
  self:collect_macros()
  self.parser:read_pending()
  collect(self)
  collect_skipped(self)
end

--- Reads all that the parser kept.
function Results:complete()
  if self.done then return end
  self.done = true
  checked(self, read_all, self)
end

-- Reads the declaration or macro of a name, if there is one.
local function read_name(self, name)
  local parser = self.parser
  if name:find("::", 1, true) then
    take_all(self.paths, name, parser:meanings_of_path(name))
  elseif not self.done then
    if not self.has_macros and rawget(self.constants, name) == nil then
      rawset(self.constants, name, (parser:macro_constant(name)))
    end
    take_plain(self, name)
  end
end

-- {-- The tables -----------------------------------------------------------------------------------

local function completed_pairs(self)
  return function(t)
    self:complete()
    return next, t, nil
  end
end

-- Gives a table what reads the rest. A name that was skipped raises its reason.
local function lazy(self, is_types)
  return setmetatable({}, {
    __pairs = completed_pairs(self),
    __index = function(t, name)
      local by_path = self.paths[is_types and "types" or "constants"]
      if by_path[name] ~= nil then return by_path[name] end
      if type(name) == "string" then checked(self, read_name, self, name) end
      local value = rawget(t, name)
      if value == nil then value = by_path[name] end
      if value == nil and is_types and self.broken[name] then
        raise_problem(self, self.broken[name], 2)
      end
      return value
    end,
  })
end

-- The list of skipped declarations, which is complete when all declarations are read.
local function lazy_list(self)
  return setmetatable({}, {
    __pairs = completed_pairs(self),
    __len = function(t)
      self:complete()
      return rawlen(t)
    end,
    __index = function(t, i)
      self:complete()
      return rawget(t, i)
    end,
  })
end

--- The results of a parser that has read its sources: `types`, `constants` and `skipped`.
function Results.new(parser, sources)
  local self = setmetatable({ parser = parser, sources = sources, broken = {} }, Results)
  -- (What a program asks for by a path is not in the tables unless it is listed anyway.)
  self.paths = { parser = parser, broken = self.broken, types = {}, constants = {} }
  self.types, self.constants = lazy(self, true), lazy(self, false)
  self.skipped = lazy_list(self)
  if sources.bytes < LARGE then
    self:collect_macros()
    if not parser.pending[1] then
      -- Nothing was kept.
      self:complete()
      setmetatable(self.skipped, nil)
    end
  end
  return self
end

return Results
