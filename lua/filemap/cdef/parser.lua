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
local EMPTY = {}
local Parser = {}
for _, part in ipairs { "attributes", "types", "enums", "records", "functions", "function_checks",
                        "declarators", "values", "declarations", "recovery", "deferred", "constants" } do
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
  "in_type_name", "brackets", "kept_pack", "has_bare_tag" }

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

-- The entity of a name that comes with a system's headers.
local function system_entity(self, name)
  local found = self.given:own(name)
  if found then return found end
  local type_ = names.type(name, self.abi, self.unicode)
  if type_ then return self.given:declare(name, { type = type_ }) end
  if names.declaration(name, self.abi) then
    self:declare_given(name)
    return self.given:own(name)
  end
end

--- The entity of a name here; nil for an unknown name.
function Parser:find(name)
  return self.scope:find(name) or system_entity(self, name)
end

local function no_such_name(at, name)
  fail(at, "there is no '%s' in the scope before '::'", name)
end

-- The scope that an entity is to the names behind '::', if it is one, and the tag that has it.
local function scope_of(self, entity)
  local tag = entity.tag and entity or entity.type and (entity.type.tag and entity.type
    or self.tag_of[entity.type])
  if tag then self:complete(tag) end
  return entity.scope or tag and tag.scope, tag
end

--- The rest of A::B::C, behind A.
function Parser:qualified(entity, at)
  while self:kind() == "::" and self.kinds[self.i + 1] ~= "*" do
    local scope, tag = scope_of(self, entity)
    self:skip()
    local name = self:name("a name behind '::'")
    local inner = scope and scope:member(name)
    if not inner and tag and tag.enumerators then inner = Scope.enumerator(tag.enumerators, name) end
    if inner and inner.ambiguous then fail(at, "'%s' is declared in several scopes", name) end
    local type_ = tag and tag.type or entity.type
    local member = not inner and type_ and type_.by_name and type_.by_name[name]
    if tag and self:broken(tag) and not inner then return { broken = tag.broken } end
    entity = inner or member and { member = member } or no_such_name(at, name)
  end
  return entity
end

--- Steps over the name behind `struct` or `enum`, which may be qualified. Returns it, nil if there is none,
-- and the scope that qualifies it, if one does.
function Parser:tag_name()
  local kinds, at, scope = self.kinds, self:at(), nil
  if kinds[self.i] ~= "::" and not self:is_free(self.i) then return nil end
  if self:accept("::") then scope = self.file end
  while kinds[self.i + 1] == "::" do
    local name = self:name("a name")
    self:skip()
    local found
    if scope then found = scope:member(name) else found = self:find(name) end
    local tag
    scope, tag = scope_of(self, found or no_such_name(at, self:value()))
    if not scope and tag then self:sized(tag, at) end
    if not scope then no_such_name(at, self:value()) end
  end
  return self:name("a name"), scope
end

-- Adds what a name is as a scope in another one. To C, a typedef and a tag may have one name; and a program
-- may use what C++ finds ambiguous: namespaces of one name in the scope and in its inline namespaces.
local function add_scopes(self, list, scope, name)
  for _, entity in ipairs { scope:member(name) or EMPTY, scope:own(name, "struct") } do
    local inner = scope_of(self, entity)
    if inner and not list[inner] then list[#list + 1], list[inner] = inner, true end
  end
  for _, part in ipairs(scope:parts()) do add_scopes(self, list, part, name) end
end

--- The entities of a qualified name such as "A::B", from the file's scope on.
function Parser:meanings_of_path(path)
  local scopes = { self.file }
  if (("::" .. path):gsub("::[%a_$][%w_$]*", "")) ~= "" then return EMPTY end
  for name in path:gmatch("([^:]+)::") do
    local inner = {}
    for _, scope in ipairs(scopes) do add_scopes(self, inner, scope, name) end
    scopes = inner
  end
  for _, scope in ipairs(scopes) do
    local list = scope:meanings(path:match("[^:]*$"), true)
    if list[1] then return list end
  end
  return EMPTY
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
  if scope then found = scope:member(name) or system_entity(self, name) else found = self:find(name) end
  if not found and self:kind() == "::" then
    while self:accept("::") do self:name("a name") end
    return nil
  end
  if found and found.ambiguous then fail(at, "'%s' is declared in several scopes", name) end
  if found and self:kind() == "::" then return self:qualified(found, at) end
  return found
end

--- The error of a tag that could not be read here, or before.
function Parser:broken(tag)
  local limit = self.file.clock.limit
  return not (limit and tag.broken_at and tag.broken_at > limit) and tag.broken or nil
end

--- Whether the body of a tag, if it has one, ends before the place at hand.
function Parser:is_done(tag)
  local limit = self.file.clock.limit
  return not (limit and tag.done and tag.done > limit)
end

--- The type of a tag, whose body is read if it is kept; nil if it is not complete here. To C, a tag of the
-- file is also completed by a body in a struct.
function Parser:complete(tag)
  local clock, file = self.file.clock, self.file
  local limit, kept = clock.limit, tag.kept
  if kept and (not limit or kept < limit) then
    self:read_kept(kept)
    if tag.kept == kept then tag.kept = nil end
  end
  if self:broken(tag) then return nil end
  if not tag.type and not clock.is_cpp and tag.name and file.tags[tag.name] == tag then
    tag = file:exported_tag(tag.name) or tag
  end
  if tag.type and self:is_done(tag) then return tag.type end
end

--- A type as one that has a size. `in_record`: as a member, where C's empty struct has no bytes.
function Parser:sized(type_, at, in_record)
  if type_.tag then
    local tag = type_
    local complete = self:complete(tag)
    if complete then return complete end
    local shown = ("%s %s"):format(tag.kind, tag.name or "without a name")
    local broken = self:broken(tag)
    if broken then
      error({ at = at, message = ("'%s' could not be read"):format(shown), cause = broken.cause or broken },
        0)
    end
    local is_empty = tag.empty and self:is_done(tag)
    if in_record and is_empty and tag.empty_type then return tag.empty_type end
    if is_empty then fail(at, "'%s' has no members: compilers do not agree on its size", shown) end
    fail(at, "'%s' is not complete here", shown)
  end
  if not type_.size then fail(at, "expected a type that has a size, got %s", type_.name or type_.kind) end
  return type_
end

--- The tag of a name that is used, in a scope if the name is qualified. One that is not qualified may be
-- declared only later.
function Parser:tag(kind, name, at, scope)
  if scope then return scope:member(name, kind) or no_such_name(at, name) end
  local tag = self.scope:find(name, kind)
  if not tag and names.declaration(name, self.abi) then
    self:declare_given(name)
    tag = self.scope:find(name, kind)
  end
  if not tag then
    scope = self.scope
    while scope.kind == "struct" do scope = scope.parent end
    return scope:own_tag(kind, name)
  end
  if tag.ambiguous then fail(at, "'%s' is declared in several scopes", name) end
  if not tag.kept and (tag.kind == "enum") ~= (kind == "enum") then
    fail(at, "'%s' is not a %s", name, kind)
  end
  return tag
end

-- {-- The whole ------------------------------------------------------------------------------------

local MORE_NAMES = 10000

--- The parser of the first of some sources, which has read nothing yet. `is_microsoft` is whether the text is
-- for Microsoft's compiler, and not for gcc for Windows.
function Parser.new(sources, abi, defines)
  local stream = Preprocessor.new(sources, abi, defines)
  local is_cpp = stream:is_defined("__cplusplus")
  local given = Scope.new("given", nil, nil, Scope.clock(is_cpp))
  local file = Scope.new("file", nil, given, Scope.clock(is_cpp))
  local self = setmetatable({
    abi = abi, is_cpp = is_cpp, pointer = ctype.pointer(abi), namespaces = {},
    given = given, file = file, scope = file, basic = {}, arrays = {}, specs = {}, tag_of = {},
    is_microsoft = abi.windows and not stream:is_defined("__GNUC__"),
    sources = sources, stream = stream, frames = {}, skipped = {}, budget = MORE_NAMES, brackets = 0,
    in_type_name = 0, pending = {}, reading = 0, loops = 0, deltas = {}, formats = {},
    scratch = lexer.list(),
  }, Parser):rewind(stream.out)
  self.reference = ctype.aligned(self.pointer, self.pointer.align)
  self.reference.reference = true
  file.clock.read_kept = function(kept) self:read_kept(kept) end
  self:number_scope(file)
  return self
end

--- Lets declarations in the scope of a file or a namespace be kept by giving it a number.
function Parser:number_scope(scope)
  self.namespaces[#self.namespaces + 1] = scope
  scope.number = #self.namespaces
end

--- Parses all. The parser then has the file's scope as `file` and what was `skipped`, a list of { name or
-- tag, problem }. Declarations that are kept, and the values of macros, can still be read.
function Parser:read()
  self:declarations("end")
  self.in_type_name = 1
end

return Parser
