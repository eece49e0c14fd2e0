-- The names and tags that a declaration declares, found from its tokens one by one without reading it, and
-- whether it can be kept for later (see deferred.lua). Internal to filemap.cdef.
--
-- A shape is { names (that it declares besides tags), tag, inner_names and inner_tags (what a struct declares
-- in its body), forward (the tag of `struct S;`), mentions (tags that it uses, and so declares where no tag
-- of that name is known), is_enum, has_text (whether strings or characters are in it) }. Each of its phases
-- takes a token and returns the phase of the next one; `done` at the ';', and nil where the declaration has
-- to be read at once.
local Attributes = require "filemap.cdef.attributes"
local Types = require "filemap.cdef.types"

local attribute_words, reserved = Attributes.attribute_words, Types.reserved
local Shape, phases = {}, {}
local done = {}
--- The phase after the last token of a declaration that can be kept.
Shape.done = done

local function set(text)
  local words = {}
  for word in text:gmatch("%S+") do words[word] = true end
  return words
end

-- Words in a body after which the declaration is read at once: a shape cannot follow them, or the parser has
-- to check what they begin.
local eager = set [[template namespace extern static_assert _Static_assert C_ASSERT Q_OBJECT Q_GADGET]]
-- Words with which a body declares names besides members, and what they are followed by.
local declaring = { static = "inner_static", constexpr = "inner_static", typedef = "inner_typedef",
                    using = "inner_using" }
local records = set "struct union class enum"
-- The end, text that C does not know, and tokens whose text is not their value.
local odd, quotes = set "end bad", set "string wide char wide_char"

--- The words and kinds of tokens that matter in a body. Others leave the phase `body` as it is, which is
-- most of all tokens; so the reader may save the call.
local matters = { ["{"] = true, ["}"] = true, ["("] = true, [")"] = true }
for _, words in ipairs { eager, declaring, records, odd, quotes } do
  for word in pairs(words) do matters[word] = true end
end
Shape.matters = matters

-- {-- Structs and unions ---------------------------------------------------------------------------

-- Behind the first '{'. A body of nothing is read at once.
function phases.first(shape, kind, value)
  return kind ~= "}" and shape.body(shape, kind, value) or nil
end

-- In a body.
function phases.body(shape, kind, value)
  if kind == "name" then
    if eager[value] then return nil end
    if records[value] then
      shape.word = value
      return phases.inner
    end
    if declaring[value] then
      shape.words, shape.last = 0, false
      return phases[declaring[value]]
    end
  elseif kind == "{" then
    shape.depth = shape.depth + 1
  elseif kind == "}" then
    shape.depth = shape.depth - 1
    if shape.depth == 0 then return phases.tail end
  elseif kind == "(" then
    shape.parentheses = shape.parentheses + 1
  elseif kind == ")" then
    shape.parentheses = shape.parentheses - 1
  elseif odd[kind] then
    return nil
  elseif quotes[kind] then
    shape.has_text = true
  end
  return phases.body
end

-- Behind `struct`, `union`, `class` or `enum` in a body.
function phases.inner(shape, kind, value)
  if kind == "name" then
    shape.last = value
    return not (eager[value] or declaring[value] or records[value] or attribute_words[value] ~= nil)
      and phases.inner_name or nil
  end
  return kind == "{" and phases.inner_body(shape, kind, value) or nil
end

local function add(list, name)
  list[#list + 1] = name
end

-- Behind a tag in a body, which may be declared there.
function phases.inner_name(shape, kind, value)
  if kind == "{" then
    add(shape.inner_tags, shape.last)
    shape.has_inner[shape.last] = true
    return phases.inner_body(shape, kind, value)
  end
  if kind ~= "name" and kind ~= "*" and kind ~= "&" or value == "final" then return nil end
  -- (Those of parameters are not declared here, nor the struct's own.)
  local mentions = shape.word ~= "enum" and shape.parentheses == 0 and not shape.has_inner[shape.last]
  if mentions and shape.last ~= shape.tag then add(shape.mentions, shape.last) end
  return phases.body(shape, kind, value)
end

-- At the '{' of a body in a body.
function phases.inner_body(shape, kind, value)
  if shape.word ~= "enum" then return phases.body(shape, kind, value) end
  shape.brackets, shape.expects, shape.behind_enum = 0, true, phases.body
  shape.enumerators = shape.inner_names
  return phases.enumerators
end

-- What can have a name that a declaration without a body ends with.
local function is_plain(value)
  return value and not reserved[value] and attribute_words[value] == nil
end

-- Behind `typedef` in a body: a type that has a name.
function phases.inner_typedef(shape, kind, value)
  if kind == "name" then
    if records[value] or eager[value] or declaring[value] then return nil end
    shape.words, shape.last = shape.words + 1, value
  elseif kind == "," or kind == ";" then
    if shape.words < 2 or not is_plain(shape.last) then return nil end
    add(shape.inner_names, shape.last)
    shape.words, shape.last = 1, false
    if kind == ";" then return phases.body end
  elseif kind ~= "*" then
    return nil
  end
  return phases.inner_typedef
end

-- Behind `static` in a body: constants that have a value, variables, or a function.
function phases.inner_static(shape, kind, value)
  if kind == "name" then
    if records[value] or eager[value] then return nil end
    shape.last = value
  elseif kind == "=" then
    if not is_plain(shape.last) then return nil end
    add(shape.inner_names, shape.last)
    shape.brackets = 0
    return phases.inner_value
  elseif kind == ";" or kind == "(" then
    return phases.body(shape, kind, value)
  elseif kind ~= "," and kind ~= "*" and kind ~= "&" and kind ~= "::" then
    return nil
  end
  return phases.inner_static
end

-- The value of a constant in a body.
function phases.inner_value(shape, kind, value)
  if kind == "(" then shape.brackets = shape.brackets + 1
  elseif kind == ")" then shape.brackets = shape.brackets - 1
  elseif kind == ";" then return phases.body
  elseif kind == "," and shape.brackets == 0 then return phases.inner_static
  elseif kind == "{" or kind == "}" or odd[kind] or records[value] then return nil
  elseif quotes[kind] then shape.has_text = true end
  return phases.inner_value
end

-- Behind `using` in a body: X = type. `words` counts what was there of it.
function phases.inner_using(shape, kind, value)
  if shape.words == 0 and kind == "name" and is_plain(value) then
    shape.last, shape.words = value, 1
  elseif shape.words == 1 and kind == "=" then
    add(shape.inner_names, shape.last)
    shape.words = 2
  elseif shape.words == 2 and kind == ";" then
    return phases.body
  elseif shape.words < 2 or kind == "{" or kind == "}" or odd[kind] or quotes[kind] or records[value] then
    return nil
  end
  return phases.inner_using
end

--- The phase in the body of a struct or union.
Shape.body = phases.body

-- {-- Enums ----------------------------------------------------------------------------------------

function phases.enumerators(shape, kind, value)
  if kind == "(" then
    shape.brackets = shape.brackets + 1
  elseif kind == ")" then
    shape.brackets = shape.brackets - 1
  elseif kind == "}" then
    return shape.brackets == 0 and shape.behind_enum or nil
  elseif kind == "name" and shape.expects then
    if not shape.is_scoped then add(shape.enumerators, value) end
  elseif kind == "{" or kind == ";" or odd[kind] or records[value] then
    return nil
  elseif quotes[kind] then
    shape.has_text = true
  end
  shape.expects = kind == "," and shape.brackets == 0
  return phases.enumerators
end

-- {-- Behind bodies --------------------------------------------------------------------------------

-- Behind a '}': the end, or what a typedef declares, names with stars.
function phases.tail(shape, kind, value)
  if kind == "name" and attribute_words[value] ~= nil then return phases.attribute end
  if kind == ";" then return (shape.named or not shape.typedef) and done or nil end
  if not shape.typedef then return nil end
  if kind == "," and shape.named then
    shape.named = false
  elseif kind == "name" and not shape.named and not reserved[value] then
    shape.named = true
    add(shape.names, value)
  elseif kind ~= "*" or shape.named then
    return nil
  end
  return phases.tail
end

-- Behind the word of an attribute.
function phases.attribute(shape, kind, value)
  if kind ~= "(" then return phases.tail(shape, kind, value) end
  shape.brackets = 1
  return phases.attribute_arguments
end

function phases.attribute_arguments(shape, kind, value)
  if odd[kind] or kind == ";" or records[value] then return nil end
  shape.has_text = shape.has_text or quotes[kind]
  if kind == "(" then shape.brackets = shape.brackets + 1
  elseif kind == ")" then shape.brackets = shape.brackets - 1 end
  return shape.brackets == 0 and phases.tail or phases.attribute_arguments
end

-- {-- Other declarations ---------------------------------------------------------------------------

local function declares(shape, name)
  if not is_plain(name) then return false end
  add(shape.names, name)
  return true
end

-- A typedef of a type that has a name: `typedef unsigned int A, *B;`.
function phases.typedef(shape, kind, value)
  if kind == "name" then
    if records[value] or eager[value] or declaring[value] then return nil end
    shape.words, shape.last = shape.words + 1, value
  elseif kind == "," or kind == ";" then
    if shape.words < 2 or not declares(shape, shape.last) then return nil end
    shape.words, shape.last = 1, nil
    return kind == "," and phases.typedef or done
  elseif kind ~= "*" then
    return nil
  end
  return phases.typedef
end

-- The end of a struct or union without a body.
function phases.forward(_, kind)
  return kind == ";" and done or nil
end

-- A constant, up to its '='.
function phases.constant(shape, kind, value)
  if kind == "name" and not records[value] and not eager[value] and not declaring[value] then
    shape.words, shape.last = shape.words + 1, value
    return phases.constant
  end
  return kind == "=" and shape.words > 1 and declares(shape, shape.last) and phases.value or nil
end

-- The value of a constant.
function phases.value(shape, kind, value)
  if kind == ";" then return done end
  if kind == "," or kind == "{" or kind == "}" or odd[kind] or records[value] then return nil end
  shape.has_text = shape.has_text or quotes[kind]
  return phases.value
end

-- The type of `using X = type`.
function phases.alias(_, kind, value)
  if kind == ";" then return done end
  if kind == "{" or kind == "}" or odd[kind] or quotes[kind] or records[value] then return nil end
  return phases.alias
end

-- {-- Beginnings -----------------------------------------------------------------------------------

local in_base = { name = true, ["::"] = true, [","] = true }
local MOST_BASE = 16

-- The index behind the bases of a struct or enum whose ':' is at `i`.
local function behind_base(kinds, i)
  for k = i + 1, i + MOST_BASE do
    if not in_base[kinds[k]] then return k end
  end
end

-- A struct, union or enum from token `i` on, its word: the index behind its '{' or its tag, and the phase
-- there.
local function record(shape, kinds, values, i)
  local word, tag = values[i], kinds[i + 1] == "name" and values[i + 1] or nil
  if word == "enum" and (tag == "class" or tag == "struct") then
    i, shape.is_scoped = i + 1, true
    tag = kinds[i + 1] == "name" and values[i + 1] or nil
  end
  if tag and (reserved[tag] or attribute_words[tag] ~= nil) then return nil end
  i = i + (tag and 2 or 1)
  if kinds[i] == ":" then i = behind_base(kinds, i) end
  if not i then return nil end
  if kinds[i] == "{" then
    if not tag and not shape.typedef and word ~= "enum" then return nil end
    shape.is_enum = word == "enum"
    shape.tag, shape.body = tag, shape.is_enum and phases.enumerators or phases.body
    return i + 1, phases.first
  end
  if not tag or word == "enum" then return nil end
  shape.words = 1
  if shape.typedef then
    add(shape.mentions, tag)
    return i, phases.typedef
  end
  shape.forward = tag
  return i, phases.forward
end

local constant_words = set "const constexpr"

--- The shape of the declaration whose first token is the i-th. Also the index of the token from which on its
-- phases take them, behind the '{' if it has one, and the phase there. nil if it has to be read at once.
function Shape.begin(kinds, values, i)
  local word = values[i]
  local names = {}
  local shape = { names = names, inner_names = {}, inner_tags = {}, mentions = {}, enumerators = names,
    has_inner = {}, is_scoped = false, is_enum = false, has_text = false, tag = false, forward = false,
    typedef = false, body = false, word = false, named = false, depth = 1, brackets = 0, parentheses = 0,
    expects = true, behind_enum = phases.tail, words = 0, last = false }
  if word == "typedef" then
    shape.typedef, i = true, i + 1
    if not records[values[i]] then return shape, i, phases.typedef end
  elseif word == "using" then
    if kinds[i + 2] ~= "=" or not declares(shape, values[i + 1]) then return nil end
    return shape, i + 3, phases.alias
  elseif word == "static" or constant_words[word] then
    if word == "static" and not constant_words[values[i + 1]] then return nil end
    return shape, i + (word == "static" and 2 or 1), phases.constant
  end
  if kinds[i] ~= "name" or not records[values[i]] then return nil end
  local behind, phase = record(shape, kinds, values, i)
  if behind then return shape, behind, phase end
end

return Shape
