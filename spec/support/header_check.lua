-- The types of a header that filemap.cdef has read, as static assertions for its compiler: one run of the
-- compiler for each header checks all sizes, alignments and offsets.
local each = require "filemap.cdef.listing"

local check = {}

-- {-- Assertions -----------------------------------------------------------------------------------

-- The offsets of a record's members by their paths in C. Unnamed types are gone into.
local function offsets(list, record, path, base, depth)
  for _, field in ipairs(record.fields) do
    local type_ = field.type
    if field.name and not field.bits then
      local name = path .. field.name
      list[#list + 1] = { name, base + field.offset }
      local inner, at = type_, name
      while inner.kind == "array" and inner.count > 0 do inner, at = inner.of, at .. "[0]" end
      if inner.fields and not inner.name and depth < 4 then
        offsets(list, inner, at .. ".", base + field.offset, depth + 1)
      end
    elseif not field.name and not field.bits and type_.fields and not type_.name then
      offsets(list, type_, path, base + field.offset, depth + 1)
    end
  end
  return list
end

--- The type of an entity (see filemap.cdef.scope), nil if it has none that is complete.
function check.type_of(entity)
  local type_ = entity.type
  if type_ and type_.tag then type_ = type_.type end
  return type_ and type_.size and type_ or nil
end

-- What a type is called in C; nil for one that has no name there.
local function spelling(name, entity, is_cpp)
  if name:find("::", 1, true) then return is_cpp and name or nil end
  return entity.tag and entity.kind .. " " .. name or name
end

-- The assertions about a type that is called `c`, one line each.
local function assertions_about(name, c, type_, is_cpp)
  local lines = {}
  for _, entry in ipairs(type_.fields and offsets({}, type_, "", 0, 0) or {}) do
    local path, offset = entry[1], entry[2]
    lines[#lines + 1] = ("FM_CHECK(__builtin_offsetof(%s, %s) == %d, \"%s.%s\");"):format(
      c, path, offset, name,
      path)
  end
  -- sizeof a reference is that of its object, and gcc has no size of a flexible array.
  if type_.reference or type_.kind == "array" and type_.size == 0 then return lines end
  lines[#lines + 1] = ("FM_CHECK(sizeof(%s) == %d, \"%s: size\");"):format(c, type_.size, name)
  local operator = is_cpp and "__alignof__" or "_Alignof"
  lines[#lines + 1] = ("FM_CHECK(%s(%s) == %d, \"%s: alignment\");"):format(operator, c, type_.align, name)
  return lines
end

-- What structs export to the scopes around them, as C has it and C++ has not.
local function exported_entities(scope, found)
  for _, list in ipairs { scope.exported_names, scope.exported_tags } do
    for _, entity in pairs(list) do found[entity] = true end
  end
  for _, entity in pairs(scope.names) do
    local inner = type(entity) == "table" and entity.scope
    if inner and inner.kind == "namespace" then exported_entities(inner, found) end
  end
  return found
end

--- The assertions about all types of a file's scope: a list of lines, and a key for each type.
-- @param known types by entity that need no assertions
-- @param seen keys of types that need none
function check.assertions(file, is_cpp, known, seen)
  local exported = is_cpp and exported_entities(file, {}) or {}
  local lines, keys, own = {}, {}, {}
  each(file, function(name, entity)
    if not name then return end
    local type_ = check.type_of(entity)
    local c = type_ and spelling(name, entity, is_cpp)
    if not c or known[entity] == type_ or exported[entity] or entity.ambiguous then return end
    local there = name:find("::", 1, true) or file.names[name] == entity or file.tags[name] == entity
      or file.exported_tags[name] == entity
    if not there or entity.scope and not entity.tag then return end
    local list = assertions_about(name, c, type_, is_cpp)
    local key = table.concat(list, "\n")
    if seen[key] or own[key] then return end
    own[key] = true
    keys[#keys + 1] = key
    table.move(list, 1, #list, #lines + 1, lines)
  end)
  return lines, keys
end

-- {-- Compiling ------------------------------------------------------------------------------------

local function write_file(path, text)
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(text))
end

-- Names of types and members that are also macros, as si_pid of <signal.h> and RASIPADDR of <mprapi.h>, by
-- their own names.
local function without_macros(lines)
  local seen, list = {}, {}
  for _, line in ipairs(lines) do
    for name in line:match("%((.-)%) =="):gmatch("[%a_][%w_]*") do
      if not seen[name] then list[#list + 1] = "#undef " .. name end
      seen[name] = true
    end
  end
  return table.concat(list, "\n")
end

--- Assertions as a text behind a header's. Errors in them have the file name FM_PROBE.
function check.probe(lines, is_cpp)
  local checks = table.concat(lines, "\n"):gsub("FM_CHECK", is_cpp and "static_assert" or "_Static_assert")
  return without_macros(lines) .. '\n#line 1 "FM_PROBE"\n' .. checks .. "\n"
end

--- Makes what all headers of a run share: the text before them, compiled once.
function check.prepare(run)
  run.place = os.tmpname()
  os.remove(run.place)
  run.compiler = ("%s -w -fno-diagnostics-show-caret %s %s"):format(run.stage.command,
    run.stage.is_cpp and "-fno-access-control" or "", run.set.flags or "")
  if run.stage.before == "" then return end
  write_file(run.place .. ".h", run.stage.before)
  local language = run.stage.is_cpp and "c++-header" or "c-header"
  assert(os.execute(("%s -x %s %s.h -o %s.h.gch"):format(run.compiler, language, run.place, run.place)))
end

--- Removes that.
function check.clean(run)
  os.remove(run.place .. ".h")
  os.remove(run.place .. ".h.gch")
end

-- Takes an error that the compiler found in the assertions. An error that says only that the assertion is no
-- constant comes with the one before it on its line; and C exports names of structs to the scope around them,
-- which C++ does not.
local function note(found, number, message, line, is_cpp)
  if is_cpp and (message:find("not a member") or message:find("not been declared")) then
    found.odd, found.lines[number] = true, true
  elseif not (message:find("not an integer", 1, true) and found.lines[number]) then
    found.wrong[#found.wrong + 1] = { line = line, message = message }
    found.lines[number] = true
  end
end

-- Runs the compiler on a file up to a number of errors (0: all). Returns { wrong }, or nil and the first
-- error in the header.
local function run_compiler(run, path, lines, most)
  local pipe = assert(io.popen(("%s -fsyntax-only -fmax-errors=%d %s %s 2>&1"):format(run.compiler, most,
    run.folder or "", path)))
  local found, elsewhere = { wrong = {}, lines = {} }, nil
  for line in pipe:lines() do
    local number, message = line:match("^FM_PROBE:(%d+):%d+: %a*%s?error: (.*)$")
    if number then note(found, tonumber(number), message, lines[tonumber(number)], run.stage.is_cpp)
    elseif line:find("error:") then elsewhere = elsewhere or line end
  end
  pipe:close()
  if elsewhere then return nil, elsewhere end
  return found
end

--- Compiles a text and assertions. Returns a list of what is wrong, { line, message }, or nil and the first
-- error in the header. The first run ends at its first error: behind an error in the header each assertion
-- may be one, and g++ looks for names like each unknown one, which takes minutes.
function check.compile(run, text, lines)
  local is_cpp = run.stage.is_cpp
  local path = run.answer .. (is_cpp and ".cc" or ".c")
  local before = run.stage.before ~= "" and ('#include "%s.h"\n'):format(run.place) or ""
  write_file(path, before .. text .. check.probe(lines, is_cpp))
  local found, elsewhere = run_compiler(run, path, lines, 1)
  if found and (found.wrong[1] or found.odd) then found, elsewhere = run_compiler(run, path, lines, 0) end
  os.remove(path)
  return found and found.wrong, elsewhere
end

return check
