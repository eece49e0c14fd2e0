-- The fields of a struct as a tree, and where their values are in a table that `read` returned. Internal to
-- the command.
--
-- A node is { name, path, depth, parent, steps, type, group, children }. `steps` leads to the value in a
-- table: { "cars", 3, "pos" }. `type` is the C type of filemap.ctype, which tells how a number is stored.
-- `group` is "record" or "array" for a node with children.
local cdef = require "filemap.cdef"
local fail = require "filemap.cli.fail"
local filemap = require "filemap"
local ctypes = require "filemap.ctype"
local json = require "filemap.cli.json"
local nearest = require "filemap.cli.nearest"
local number = require "filemap.cli.number"
local source = require "filemap.cli.source"
local struct_type = require "filemap.struct.type"

local layout = {}
local ctype_of = struct_type.ctype_of
layout.ctype_of = ctype_of

-- {-- The type -------------------------------------------------------------------------------------

local function parse(args)
  if cdef.load and args.header ~= "-" then return cdef.load(args.header, { abi = args.abi }) end
  local file = source.stream(args.header, "rb")
  local text = source.read(file, "a")
  if file ~= io.stdin then file:close() end
  return cdef.parse(text, { abi = args.abi })
end

local function names(types)
  local found = {}
  for name, type_ in pairs(types) do
    if type(type_) == "table" and type_.offsetof then found[#found + 1] = name end
  end
  table.sort(found)
  return found
end

--- The type that --header and --type name, or nil without them.
function layout.type_of(args)
  for _, word in ipairs { "type", "abi", "guard" } do
    if args[word] and not args.header then fail.usage(("--%s needs --header FILE"):format(word)) end
  end
  if not args.header then return nil end
  local types, message = fail.raised(1, parse, args)
  if not types then fail(tostring(message)) end
  local known = names(types)
  if not args.type then
    fail.usage(("--header needs --type; %s has %s"):format(args.header, table.concat(known, ", ")))
  end
  local type_ = fail.raised(1, function() return types[args.type] end)
  if not type_ or not type_.offsetof then
    local near = nearest(args.type, known)
    fail(("%s: has no struct '%s'%s"):format(args.header, args.type,
      near and ("; did you mean '%s'?"):format(near) or ""))
  end
  return type_
end

--- The guard that --guard names for a type, as Type:snapshot takes it. Fails as wrong usage if the type
-- cannot have it, which a copy of zero bytes shows: every such copy is whole.
function layout.guard_of(args, type_)
  if not args.guard then return nil end
  local guard = {}
  for part in args.guard:gmatch("[^,]+") do
    local key, path = part:match("^(%a+)=(.+)$")
    if not key then fail.usage(("'%s' is not a guard (such as even=seq)"):format(args.guard)) end
    guard[key] = path
  end
  local zeros = fail.unless(fail.unless(filemap.create(nil, math.max(type_.size, 1))):view())
  fail.raised(2, type_.snapshot, type_, zeros, 0, guard, 0)
  return guard
end

-- How long a command waits at most for a writer to finish a change, in seconds.
local PATIENCE = 1

-- The elements of a flexible array that fit in the view, at most `most` of them; nil if the type has no such
-- array.
local function flexible(type_, view, offset, most)
  local tail = most and ctypes.tail(ctype_of(type_))
  local rest = tail and #view - offset - tail.offset
  return rest and math.min(math.max(rest, 0) // tail.field.type.of.size, most)
end

--- A function that reads the struct at an offset as a table. It takes the longest time in seconds that it may
-- wait for a whole copy, and returns nil and a message if there was none. `most` limits the elements of a
-- flexible array (without a guard).
function layout.reader(type_, view, offset, guard, most)
  if not guard then
    local count = flexible(type_, view, offset, most)
    return function() return fail.raised(1, type_.read, type_, view, offset, count) end
  end
  return function(timeout)
    timeout = math.min(timeout or PATIENCE, PATIENCE)
    return fail.raised(1, type_.snapshot, type_, view, offset, guard, timeout)
  end
end

-- {-- Values ---------------------------------------------------------------------------------------

--- A value of a C type that `read` returned, for json.encode: members in the order of declaration, and u64
-- without a sign.
function layout.json(ctype, value)
  if ctype.fields then
    local object = {}
    for i, member in ipairs(ctypes.members(ctype)) do
      object[i] = { member.name, layout.json(member.field.type, value[member.name]) }
    end
    return json.object(object)
  end
  if type(value) == "table" then
    local list = {}
    for i, element in ipairs(value) do list[i] = layout.json(ctype.of, element) end
    return list
  end
  if ctype.T == "u64" and math.type(value) == "integer" then return json.exact(number.unsigned(value)) end
  return value
end

--- The text of a value of a C type; structs and arrays as JSON.
function layout.text(ctype, value)
  if type(value) == "table" then return json.encode(layout.json(ctype, value)) end
  return type(value) == "number" and number.text(value, ctype.T) or tostring(value)
end

-- {-- The tree -------------------------------------------------------------------------------------

local function group_of(ctype)
  if ctype.fields then return "record" end
  return ctype.kind == "array" and not ctypes.is_string(ctype) and "array" or nil
end

local add_children

local function add(nodes, parent, step, ctype, value)
  local element = math.type(step) == "integer"
  local name = element and ("[%d]"):format(step) or step
  local steps = parent and { table.unpack(parent.steps) } or {}
  steps[#steps + 1] = step
  local path = not parent and name or element and parent.path .. name or parent.path .. "." .. name
  local node = { name = name, path = path, depth = #steps - 1, parent = parent, steps = steps, type = ctype,
    group = group_of(ctype) }
  nodes[#nodes + 1] = node
  if parent then parent.children[#parent.children + 1] = node end
  if node.group then
    node.children = {}
    add_children(nodes, node, ctype, value)
  end
end

function add_children(nodes, parent, ctype, value)
  if not ctype.fields then
    local count = value and #value or math.min(ctype.count, 1)
    for i = 1, count do add(nodes, parent, i, ctype.of, value and value[i]) end
    return
  end
  for _, member in ipairs(ctypes.members(ctype)) do
    add(nodes, parent, member.name, member.field.type, value and value[member.name])
  end
end

--- All nodes of a type in the order of declaration, each before those below it. `values`, which `read`
-- returned, give the elements of arrays; without them an array has only its first, and a flexible array none.
function layout.nodes(type_, values)
  local nodes = {}
  add_children(nodes, nil, ctype_of(type_), values)
  return nodes
end

--- The value of a node in a table that `read` returned.
function layout.value(values, node)
  for _, step in ipairs(node.steps) do values = values[step] end
  return values
end

-- {-- Paths ----------------------------------------------------------------------------------------

--- The steps of a path such as "cars[3].pos[1]"; fails if the type has no such field.
function layout.steps(type_, path)
  local well, problem = pcall(type_.offsetof, type_, path)
  if not well then
    local paths = {}
    for i, node in ipairs(layout.nodes(type_)) do paths[i] = node.path end
    local near = nearest(path, paths)
    fail(fail.text(problem) .. (near and ("; did you mean '%s'?"):format(near) or ""))
  end
  local steps = {}
  for name, index in path:gmatch("([^%.%[%]]*)%[?(%d*)%]?") do
    if name ~= "" and not (index == "" and name:find("^%d+$")) then steps[#steps + 1] = name end
    if index ~= "" then steps[#steps + 1] = math.tointeger(tonumber(index)) end
  end
  return steps
end

--- The C type of the member that steps lead to.
function layout.type_at(type_, steps)
  local ctype = ctype_of(type_)
  for _, step in ipairs(steps) do ctype = ctype.fields and ctype.by_name[step].type or ctype.of end
  return ctype
end

return layout
