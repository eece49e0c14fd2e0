-- The fields of a struct as a tree, and where their values are in a table that `read` returned. Internal to
-- the command.
--
-- A node is { name, path, depth, parent, steps, group, children }. `steps` leads to the value in a table: {
-- "cars", 3, "pos" }. `group` is "record" or "array" for a node with children.
local cdef = require "filemap.cdef"
local fail = require "filemap.cli.fail"
local filemap = require "filemap"
local json = require "filemap.cli.json"
local nearest = require "filemap.cli.nearest"
local source = require "filemap.cli.source"

local layout = {}

-- {-- The type -------------------------------------------------------------------------------------

local function parse(args)
  if cdef.load and args.header ~= "-" then return cdef.load(args.header, { abi = args.abi }) end
  local file = source.stream(args.header, "rb")
  local text = file:read("a")
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
  if not args.header and not args.type then return nil end
  if not args.header then fail.usage("--type needs --header FILE") end
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

--- The guard that --guard names, as Type:snapshot takes it.
function layout.guard_of(args)
  if not args.guard then return nil end
  if not args.type then fail.usage("--guard needs --header and --type") end
  local guard = {}
  for part in args.guard:gmatch("[^,]+") do
    local key, path = part:match("^(%a+)=(.+)$")
    if not key then fail.usage(("'%s' is not a guard (such as even=seq)"):format(args.guard)) end
    guard[key] = path
  end
  return guard
end

-- How long a command waits for a writer to finish a change, in seconds.
local PATIENCE = 1

--- A function that reads the struct at an offset as a table.
function layout.reader(type_, view, offset, guard)
  if not guard then
    return function() return fail.raised(1, type_.read, type_, view, offset) end
  end
  return function()
    return fail.unless(fail.raised(1, type_.snapshot, type_, view, offset, guard, PATIENCE))
  end
end

-- {-- The tree -------------------------------------------------------------------------------------

local function group_of(value)
  local metatable = type(value) ~= "string" and getmetatable(value)
  if not metatable then return nil end
  return metatable.__name == "filemap.array" and "array" or "record"
end

local add_members

local function add(nodes, parent, step, value)
  local element = math.type(step) == "integer"
  local name = element and ("[%d]"):format(step) or step
  local steps = parent and { table.unpack(parent.steps) } or {}
  steps[#steps + 1] = step
  local path = not parent and name or element and parent.path .. name or parent.path .. "." .. name
  local node = { name = name, path = path, depth = #steps - 1, parent = parent, steps = steps, group = group_of(value) }
  nodes[#nodes + 1] = node
  if parent then parent.children[#parent.children + 1] = node end
  if node.group then
    node.children = {}
    add_members(nodes, node, value)
  end
end

function add_members(nodes, parent, value)
  if group_of(value) == "array" then
    for i = 1, #value do add(nodes, parent, i, value[i]) end
  else
    for name, member in pairs(value) do add(nodes, parent, name, member) end
  end
end

--- All nodes of a type in the order of declaration, each before those below it.
function layout.nodes(type_)
  local map = fail.unless(filemap.create(nil, math.max(type_.size, 1)))
  local view = fail.unless(map:view())
  local nodes = {}
  add_members(nodes, nil, fail.raised(1, type_.at, type_, view, 0))
  view:close()
  map:close()
  return nodes
end

--- The value of a node in a table that `read` returned.
function layout.value(values, node)
  for _, step in ipairs(node.steps) do
    if values == nil then return nil end
    values = values[step]
  end
  return values
end

--- Values as an object for JSON, in the order of declaration.
function layout.object(nodes, values)
  local root, objects = {}, {}
  for _, node in ipairs(nodes) do
    local value = layout.value(values, node)
    if node.group == "array" then value = {} elseif node.group then value = json.object {} end
    if node.group then objects[node] = value end
    local into = node.parent and objects[node.parent] or root
    local element = math.type(node.steps[#node.steps]) == "integer"
    into[#into + 1] = element and (value == nil and "" or value) or not element and { node.name, value }
  end
  return json.object(root)
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

return layout
