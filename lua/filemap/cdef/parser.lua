-- The parser of declarations: from the preprocessor's tokens to C types and constants. Internal to
-- filemap.cdef.
--
-- It reads each token once. Types that are not complete yet are tags (see scope.lua); only complete ones are
-- used by value. Functions and variables are passed over. Its methods are in files of their own by subject.
local ctype = require "filemap.ctype"
local Cursor = require "filemap.cdef.cursor"
local lexer = require "filemap.cdef.lexer"
local names = require "filemap.cdef.names"
local Preprocessor = require "filemap.cdef.preprocessor"
local Scope = require "filemap.cdef.scope"

local fail = lexer.fail
local Parser = {}
for _, part in ipairs { "attributes", "types", "enums", "records", "functions", "declarators", "values",
                        "declarations", "recovery", "deferred", "constants" } do
  for name, method in pairs(require("filemap.cdef." .. part)) do Parser[name] = method end
end
setmetatable(Parser, { __index = Cursor })
for name, method in pairs(Cursor) do Parser[name] = Parser[name] or method end
Parser.__index = Parser

--- Counts copies of members and names, which are not in proportion to the source by themselves.
function Parser:spend(n, at)
  self.budget = self.budget - n
  if self.budget + self.sources.bytes < 0 then
    lexer.fatal(at, "structs and names in each other come to too many names")
  end
end

--- Counts the members that a struct takes over from one in it.
function Parser:copies(record, at)
  local count = 0
  for _ in pairs(record.by_name or {}) do count = count + 1 end
  self:spend(count, at)
end

--- Calls f, and gives its plain error the position of the declaration. (An error with a position keeps it.)
function Parser:checked(at, f, ...) -- luacheck: no self
  local well, result = pcall(f, ...)
  if well then return result end
  if type(result) == "table" then error(result, 0) end
  return fail(at, "%s", result)
end

--- The #pragma pack that holds at a token.
function Parser:pack_at(index)
  if self.tokens ~= self.stream.out then return self.kept_pack end
  return self.stream.packing:at(index)
end

-- The fields that belong to the declaration at hand.
local state_keys = { "tokens", "kinds", "values", "ats", "i", "depth", "scope", "frames", "quiet",
  "in_type_name", "brackets", "kept_pack" }

--- The parser's place, to go back to when another declaration was read.
function Parser:save()
  local saved = {}
  for _, key in ipairs(state_keys) do saved[key] = self[key] end
  return saved
end

function Parser:restore(saved)
  for _, key in ipairs(state_keys) do self[key] = saved[key] end
end

-- {-- Names ----------------------------------------------------------------------------------------

--- Reads declarations that come with a system's headers, when one of their names is used.
function Parser:declare_given(name)
  local saved = self:save()
  local at = self:at()
  local tokens = lexer.tokens(names.declaration(name, self.abi))
  for k = 1, tokens.n + 1 do tokens.at[k] = at end
  self:rewind(tokens)
  self.scope, self.frames, self.in_type_name, self.kept_pack = self.given, {}, 1, nil
  while self:kind() ~= "end" do self:declaration() end
  self:restore(saved)
end

--- The entity of a name here; nil for an unknown name.
function Parser:find(name)
  local found = self.scope:find(name)
  if found then return found end
  local type_ = names.type(name, self.abi, self.unicode)
  if type_ then return self.given:declare(name, { type = type_ }) end
  if names.declaration(name, self.abi) then
    self:declare_given(name)
    return self.given:own(name)
  end
end

--- The rest of A::B::C, behind A.
function Parser:qualified(entity, at)
  while self:kind() == "::" and self.kinds[self.i + 1] ~= "*" do
    local tag = entity.tag and entity or entity.type and entity.type.tag and entity.type
    if not tag and entity.type then tag = self.tag_of[entity.type] end
    local scope = entity.scope or tag and tag.scope
    self:skip()
    local name = self:name("a name behind '::'")
    local inner = scope and scope:own(name)
    local type_ = tag and tag.type or entity.type
    local member = not inner and type_ and type_.by_name and type_.by_name[name]
    if tag and tag.broken and not inner then return { broken = tag.broken } end
    entity = inner or member and { member = member }
      or fail(at, "there is no '%s' in the scope before '::'", name)
  end
  return entity
end

--- Steps over a name, which may be qualified, and returns what it means; nil if that is not known.
function Parser:entity()
  local at, scope = self:at(), nil
  if self:accept("::") then scope = self.file end
  local name = self:name("a name")
  if name == "std" and self:kind() == "::" and not self.scope:find(name) then
    self:skip()
    name, scope = self:name("a name"), nil
  end
  local found
  if scope then found = scope:own(name) else found = self:find(name) end
  if not found and self:kind() == "::" then
    while self:accept("::") do self:name("a name") end
    return nil
  end
  if found and found.ambiguous then fail(at, "'%s' is declared in several structs", name) end
  if found and self:kind() == "::" then return self:qualified(found, at) end
  return found
end

--- A type as one that has a size. `in_record`: as a member, where C's empty struct has no bytes.
function Parser:sized(type_, at, in_record) -- luacheck: no self
  if type_.tag then
    local tag = type_
    local limit = self.file.clock.limit
    if tag.type and not (limit and tag.done and tag.done > limit) then return tag.type end
    local shown = ("%s %s"):format(tag.kind, tag.name or "without a name")
    local broken = tag.broken
    if broken then
      error({ at = at, message = ("'%s' could not be read"):format(shown), cause = broken.cause or broken },
        0)
    end
    if in_record and tag.empty_type then return tag.empty_type end
    if tag.empty then fail(at, "'%s' has no members: compilers do not agree on its size", shown) end
    fail(at, "'%s' is not complete here", shown)
  end
  if not type_.size then fail(at, "expected a type that has a size, got %s", type_.name or type_.kind) end
  return type_
end

--- The tag of a name that is used, which may be declared only later.
function Parser:tag(kind, name, at)
  local tag = self.scope:find_tag(name)
  if not tag and names.declaration(name, self.abi) then
    self:declare_given(name)
    tag = self.scope:find_tag(name)
  end
  if not tag then
    local scope = self.scope
    while scope.kind == "struct" do scope = scope.parent end
    return scope:own_tag(kind, name)
  end
  if tag.ambiguous then fail(at, "'%s' is declared in several structs", name) end
  if (tag.kind == "enum") ~= (kind == "enum") then fail(at, "'%s' is not a %s", name, kind) end
  return tag
end

-- {-- The whole ------------------------------------------------------------------------------------

local MORE_NAMES = 10000

--- The parser of the first of some sources, which has read nothing yet.
function Parser.new(sources, abi, defines)
  local stream = Preprocessor.new(sources, abi, defines)
  local given = Scope.new("file", nil, nil, { seq = 0 })
  local file = Scope.new("file", nil, given, { seq = 1 })
  local self = setmetatable({
    abi = abi, is_cpp = stream:is_defined("__cplusplus"), pointer = ctype.pointer(abi),
    given = given, file = file, scope = file, basic = {}, arrays = {}, specs = {}, tag_of = {},
    sources = sources, stream = stream, frames = {}, skipped = {}, budget = MORE_NAMES, brackets = 0,
    in_type_name = 0, pending = {}, reading = 0, deltas = {}, formats = {},
    scratch = lexer.list(),
  }, Parser):rewind(stream.out)
  self.reference = ctype.aligned(self.pointer, self.pointer.align)
  self.reference.reference = true
  file.read_kept = function(kept) self:read_kept(kept) end
  return self
end

--- Parses all. The parser then has the file's scope as `file` and what was `skipped`, a list of { name or
-- tag, problem }. Declarations that are kept, and the values of macros, can still be read.
function Parser:read()
  self:declarations("end")
  self.in_type_name = 1
end

return Parser
