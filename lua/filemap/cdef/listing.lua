-- Lists what a scope declares, for the results of a parse. Internal to filemap.cdef.
local Scope = require "filemap.cdef.scope"

-- Whether a list has an entity for a name. (A number is left of a declaration that could not be read.)
local function has_entity(list, name)
  return type(list[name]) == "table"
end

local function entity_of(entry, name)
  return entry.values and Scope.enumerator(entry, name) or entry
end

local function each_own(self, f, prefix)
  local is_enum = self.kind == "enum"
  for _, list in ipairs { self.names, self.tags } do
    for name, entry in pairs(list) do
      if type(entry) ~= "number" then
        f(prefix .. name, entity_of(entry, name), not is_enum and name or nil)
      end
    end
  end
end

-- Calls f for the names in a struct, and in structs in it, that the scope around has from several structs.
local function each_in_struct(self, around, f, prefix)
  for _, list in ipairs { self.names, self.tags, self.exported_names, self.exported_tags } do
    local is_name = list == self.names or list == self.exported_names
    local is_exported = list == self.exported_names or list == self.exported_tags
    local around_exported = is_name and around.exported_names or around.exported_tags
    for name, entry in pairs(list) do
      local hidden = is_exported and (self.names[name] or self.tags[name] or self.bases and self:member(name))
      local exported = around_exported[name]
      local is_shared = exported and (exported.several or exported.ambiguous)
      if is_shared and not (entry.several or entry.ambiguous or hidden) then
        f(prefix .. name, entity_of(entry, name))
      end
    end
  end
  for name, tag in pairs(self.tags) do
    local inner = tag.scope
    if inner and inner.kind == "struct" then each_in_struct(inner, around, f, prefix .. name .. "::") end
  end
end

-- Calls f for what structs export to a scope, unless the scope itself has the name.
local function each_exported(self, f, prefix)
  for _, list in ipairs { self.exported_names, self.exported_tags } do
    for name, entry in pairs(list) do
      local entity = type(entry) ~= "number" and entry
      if entity and entity.several then entity = Scope.one_of_several(self.clock, entity, name) end
      if entity and not has_entity(self.names, name) and not has_entity(self.tags, name) then
        local is_hidden = self.opens and self:member(name)
        f(not is_hidden and prefix .. name or nil, entity_of(entity, name), name)
      end
    end
  end
end

--- Calls f(qualified, entity, name) for all that is declared here and in namespaces here. What several
-- structs declare in themselves comes qualified by the struct, and without `name`, too. A name that means
-- something else behind '::' comes without `qualified`. Declarations that are kept are left out.
local function each(self, f, prefix)
  prefix = prefix or ""
  each_own(self, f, prefix)
  for _, part in ipairs(self:parts()) do
    each(part, function(path, entity, name)
      local is_own = name and (has_entity(self.names, name) or has_entity(self.tags, name))
      f(not (is_own and path == prefix .. name) and path or nil, entity, name)
    end, prefix)
  end
  each_exported(self, f, prefix)
  for _, list in ipairs { self.names, self.tags } do
    for name, entity in pairs(list) do
      local inner = type(entity) ~= "number" and entity.scope
      local path = inner and prefix .. name .. "::"
      if inner and inner.kind == "struct" then each_in_struct(inner, self, f, path)
      elseif inner and inner.kind == "namespace" and inner.parent == self and inner.name == name then
        each(inner, f, path)
      elseif inner and inner.kind == "enum" then each_own(inner, f, path) end
    end
  end
end

return each
