-- Random headers of declarations that touch each other: names that are declared again and in several scopes,
-- types used before they are complete, macros and packing that change in between. Most declarations are
-- valid. Every choice comes from math.random.
local random_headers = {}

local random = math.random

local function pick(list)
  return list[random(#list)]
end

local function chance(percent)
  return random(100) <= percent
end

local basic = { "char", "short", "int", "long", "long long", "unsigned char", "float", "double", "uint16_t",
  "int32_t", "void *", "const char *", "bool" }
local keywords = { "struct", "struct", "struct", "union" }

-- `types` and `constants` are the names that were declared so far, qualified by the path of scopes at hand.
local Maker = {}
Maker.__index = Maker

function Maker:say(format, ...)
  self.lines[#self.lines + 1] = select("#", ...) > 0 and format:format(...) or format
end

-- A name of a small pool, so that scopes declare the same ones; now and then again in one scope.
function Maker:new_name(prefix)
  local name
  for _ = 1, chance(5) and 1 or 8 do
    name = prefix .. random(self.pool)
    if not self.used[self.path .. name] then break end
  end
  self.used[self.path .. name] = true
  return name
end

function Maker:declared(list, name)
  list[#list + 1] = self.path .. name
  if self.in_struct and chance(60) then list[#list + 1] = name end
  return name
end

-- A declared name as it may be used: qualified, by its last part, or one that may not be declared at all.
function Maker:use(list, prefix)
  local name = #list > 0 and not chance(3) and list[math.max(random(#list), random(#list))]
  if not name then return prefix .. random(self.pool) end
  if self.path ~= "" and name:sub(1, #self.path) == self.path and chance(70) then
    return name:sub(#self.path + 1)
  end
  if not self.is_cpp or chance(10) then return name:match("[%w_]+$") end
  return chance(15) and "::" .. name or name
end

function Maker:value()
  local n = random(10)
  if n <= 4 then return tostring(random(8)) end
  if n <= 6 then return "M" .. random(4) end
  if n <= 8 then return self:use(self.constants, "N") end
  if n == 9 then return ("sizeof(%s) %% 7 + 1"):format(self:type()) end
  return ("%s * 2 + 1"):format(self:use(self.constants, "N"))
end

function Maker:type()
  if chance(45) then return pick(basic) end
  if chance(12) then return pick(keywords) .. " " .. self:use(self.types, "S"):gsub("^::", "") end
  return self:use(self.types, "T")
end

-- {-- Members --------------------------------------------------------------------------------------

local member = {}

function member.plain(self) self:say("%s %s;", self:type(), self:field()) end
member.plain_2, member.plain_3, member.plain_4 = member.plain, member.plain, member.plain
function member.array(self) self:say("%s %s[%s];", self:type(), self:field(), self:value()) end
function member.bits(self) self:say("int %s : %d, %s : 3;", self:field(), random(20), self:field()) end
function member.pointer(self)
  self:say("%s %s *%s;", pick(keywords), chance(50) and "S" .. random(self.pool) or "F" .. random(4),
    self:field())
end
function member.callback(self) self:say("void (*%s)(int a, %s b);", self:field(), self:type()) end

function member.inner(self, depth)
  local tag = chance(60) and " " .. self:declared(self.types, self:new_name(chance(50) and "S" or "I")) or ""
  self:say("%s%s {", pick(keywords), tag)
  self:body(depth + 1, tag:sub(2))
  self:say(chance(70) and "} %s;" or "};", self:field())
end

function member.enum(self)
  self:say("enum%s { %s = %s, %s } %s;", chance(40) and " " .. self:new_name("I") or "",
    self:declared(self.constants, self:new_name("N")), self:value(), self:new_name("N"), self:field())
end

function member.pragma(self)
  self:say(pick { "#pragma pack(push, 1)", "#pragma pack(pop)", "#pragma pack(2)", "#pragma pack()" })
end

function member.condition(self, depth)
  self:say(pick { "#if M1 > 4", "#ifdef M2", "#ifndef M3" })
  self:member(depth)
  if chance(50) then
    self:say("#else")
    self:member(depth)
  end
  self:say("#endif")
end

function member.assertion(self)
  if not self.asserts then return member.plain(self) end
  self:say("%s(sizeof(%s) > 0 && sizeof(%s) < 100000, \"too large\");",
    self.is_cpp and "static_assert" or "_Static_assert", self:type(), self:type())
end

local cpp_member = {}

function cpp_member.constant(self)
  self:say("%s int %s = %s;", pick { "static const", "static constexpr", "constexpr static" },
    self:declared(self.constants, self:new_name("N")), self:value())
end
cpp_member.constant_2 = cpp_member.constant
function cpp_member.typedef(self)
  local type = self:type()
  self:say("typedef %s %s%s;", type, chance(20) and "*" or "", self:declared(self.types, self:new_name("T")))
end
function cpp_member.using(self)
  local type = self:type()
  self:say("using %s = %s;", self:declared(self.types, self:new_name("T")), type)
end
function cpp_member.method(self)
  self:say(pick { "int get_%d() const { return 1; }", "void set_%d(int a = 4);",
    "static int make_%d(char c);" },
    random(1000))
end
function cpp_member.access(self) self:say(pick { "public:", "private:", "protected:" }) end
function cpp_member.enum_class(self)
  self:say("enum class %s : %s { A, B = %s } %s;", self:declared(self.types, self:new_name("I")),
    pick { "uint8_t", "short", "int" }, self:value(), self:field())
end
function cpp_member.static_member(self) self:say("static %s %s;", self:type(), self:field()) end

local function keys(...)
  local list = {}
  for _, t in ipairs { ... } do
    for key in pairs(t) do list[#list + 1] = key end
  end
  table.sort(list)
  return list
end

local c_members, cpp_members = keys(member), keys(member, cpp_member)

function Maker:field()
  self.serial = self.serial + 1
  return "f" .. self.serial
end

function Maker:member(depth)
  local kind = pick(chance(65) and { "plain" } or self.is_cpp and cpp_members or c_members)
  if depth > 2 and (kind == "inner" or kind == "condition") then kind = "plain" end
  local make = member[kind] or cpp_member[kind]
  make(self, depth)
end

function Maker:body(depth, tag)
  local path, in_struct = self.path, self.in_struct
  if tag ~= "" then self.path = path .. tag .. "::" end
  self.in_struct = true
  for _ = 1, chance(4) and 60 or random(6) do self:member(depth) end
  self.path, self.in_struct = path, in_struct
end

-- {-- Declarations ---------------------------------------------------------------------------------

local declaration = {}

local attributes = { " __attribute__((packed))", " __attribute__((aligned(8)))",
  " __attribute__((packed, aligned(2)))" }

function declaration.struct(self)
  local tag = self:new_name("S")
  local base = self.is_cpp and chance(12) and " : public " .. self:use(self.types, "S") or ""
  self:say("%s%s %s%s {", base == "" and pick(keywords) or "struct",
    chance(5) and pick(attributes) or "", tag,
    base)
  self:body(1, tag)
  self:say("}%s;", chance(8) and pick(attributes) or "")
  self:declared(self.types, tag)
end
for i = 2, 7 do declaration["struct_" .. i] = declaration.struct end

function declaration.typedef_struct(self)
  local tag = chance(50) and self:new_name("S") or ""
  self:say("typedef %s %s {", pick(keywords), tag)
  self:body(1, tag)
  local name = self:declared(self.types, self:new_name("T"))
  self:say("} %s%s;", name, chance(30) and ", *P" .. name or "")
end
declaration.typedef_struct_2 = declaration.typedef_struct

function declaration.forward(self) self:say("%s S%d;", pick(keywords), random(self.pool)) end
function declaration.forward_typedef(self)
  local tag = pick { "S", "F" } .. random(self.pool)
  self:say("typedef struct %s %s;", tag, self:declared(self.types, chance(40) and tag or self:new_name("T")))
end
function declaration.typedef(self)
  local type = self:type()
  self:say(pick { "typedef %s %s;", "typedef %s *%s;", "typedef %s %s[3];", "typedef int (*%s)(%s);" }, type,
    self:declared(self.types, self:new_name("T")))
end
declaration.typedef_2 = declaration.typedef
function declaration.enum(self)
  local tag, values = self:new_name("E"), {}
  for i = 1, random(4) do
    values[i] = self:declared(self.constants,
      self:new_name("N")) .. (chance(50) and " = " .. self:value() or "")
  end
  self:say("%senum %s%s { %s };", "", tag, chance(20) and " : " .. pick { "uint8_t", "short", "T1" } or "",
    table.concat(values, ", "))
  self:declared(self.types, tag)
end
function declaration.typedef_enum(self)
  self:say("typedef enum { %s = %s, %s } %s;", self:declared(self.constants, self:new_name("N")),
    self:value(),
    self:new_name("N"), self:declared(self.types, self:new_name("T")))
end
function declaration.constant(self)
  self:say("static const int %s = %s;", self:declared(self.constants, self:new_name("N")), self:value())
end
function declaration.define(self) self:say("#define M%d %s", random(4), pick { "1", "5", "(3 + 4)",
  "2 * 3" }) end
function declaration.redefine(self)
  local name = "M" .. random(4)
  self:say("#undef %s\n#define %s %d", name, name, random(9))
end
-- A macro in place of a name or a keyword.
function declaration.rename(self)
  self:say("#define %s %s", "S" .. random(self.pool), "S" .. random(self.pool))
  self:say("#undef S%d", random(self.pool))
end
function declaration.pragma(self) member.pragma(self) end
function declaration.condition(self, depth)
  self:say(pick { "#if M1 > 4", "#ifdef M2", "#ifndef M3", "#if defined M4 && M4 == 7" })
  self:declaration(depth)
  if chance(50) then
    self:say("#else")
    self:declaration(depth)
  end
  self:say("#endif")
end
function declaration.prototype(self)
  self:say(pick { "extern %s *get_%d(int a, struct F2 *f);",
    "static inline %s *make_%d(int a) { return 0; }" },
    self:type(), random(1000))
end
function declaration.assertion(self) member.assertion(self) end
function declaration.variable(self) self:say("extern %s v%d;", self:type(), random(1000)) end
-- A struct that cannot be read.
function declaration.unreadable(self)
  self:say("struct %s { int a; missing_t b; struct I%d { char c; } d; };",
    self:declared(self.types, self:new_name("S")), random(self.pool))
end

local cpp_declaration = {}

local function namespace(self, depth)
  if depth > 3 then return declaration.struct(self) end
  -- (C++ has rules of its own for a namespace in an unnamed one and another of the same name beside it.)
  local names = self.in_part and { "D", "E" } or { "A", "B", "C" }
  local name = pick(names)
  if chance(15) then name = name .. "::" .. pick(names) end
  local path = self.path
  local inline, in_part = chance(6), self.in_part
  local unnamed = not inline and chance(4)
  self.in_part = in_part or inline or unnamed
  if inline then self:say("inline namespace Inline {") elseif unnamed then self:say("namespace {")
  else
    self:say("namespace %s {", name)
    self.path = path .. name .. "::"
    self.spaces[#self.spaces + 1] = path .. name
  end
  for _ = 1, random(6) do self:declaration(depth + 1) end
  self.path, self.in_part = path, in_part
  self:say("}")
end
for i = 1, 6 do cpp_declaration["namespace_" .. i] = namespace end
function cpp_declaration.using_namespace(self)
  self:say("using namespace %s;", #self.spaces > 0 and pick(self.spaces) or "std")
end
function cpp_declaration.using_name(self)
  local name = self:use(self.types, "T")
  if not name:find("::", 2, true) then return declaration.struct(self) end
  self:say("using %s;", name)
  self:declared(self.types, name:match("[%w_]+$"))
end
function cpp_declaration.alias(self)
  local type = self:type()
  self:say("using %s = %s;", self:declared(self.types, self:new_name("T")), type)
end
function cpp_declaration.enum_class(self)
  local tag = self:new_name("E")
  self:say("enum class %s : %s { A, B = %s };", tag, pick { "uint8_t", "short", "int" }, self:value())
  self:declared(self.types, tag)
end
function cpp_declaration.linkage(self, depth)
  self:say('extern "C" {')
  for _ = 1, random(3) do self:declaration(math.max(depth, 3)) end
  self:say("}")
end
function cpp_declaration.constexpr(self)
  self:say("constexpr int %s = %s;", self:declared(self.constants, self:new_name("N")), self:value())
end
function cpp_declaration.class(self)
  self:say("class %s { public:", self:new_name("S"))
  self:body(1, "")
  self:say("};")
end
cpp_declaration.template = function(self) self:say("template <class X> struct Y%d { X x; };", random(4)) end

local c_declarations, cpp_declarations = keys(declaration), keys(declaration, cpp_declaration)

function Maker:declaration(depth)
  local kind = pick(self.is_cpp and cpp_declarations or c_declarations)
  if kind == "condition" and depth > 3 then kind = "struct" end
  local make = declaration[kind] or cpp_declaration[kind]
  make(self, depth)
end

--- A header, its text, and whether it is one of C++.
function random_headers.new(seed, number)
  math.randomseed(seed, number)
  local maker = setmetatable({ lines = {}, types = {}, constants = {}, used = {}, spaces = {}, path = "",
    serial = 0, is_cpp = chance(70), pool = pick { 3, 6, 20 }, asserts = chance(60) }, Maker)
  for i = 1, 4 do maker:say("#define M%d %d", i, random(9)) end
  for _ = 1, random(25) do maker:declaration(1) end
  return table.concat(maker.lines, "\n") .. "\n", maker.is_cpp
end

return random_headers
