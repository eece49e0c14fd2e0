-- Runs bin/filemap, the command, as a user does. For its specs.
local process = require "process"
local support = require "spec.support"

local command = {}

local function quote(word)
  if support.windows then return '"' .. word .. '"' end
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

-- The command line, with assignments of environment variables before it (not on Windows).
function command.line(words)
  local parts = {}
  for name, value in pairs(words.env or {}) do parts[#parts + 1] = name .. "=" .. quote(value) end
  parts[#parts + 1] = words.under
  parts[#parts + 1] = quote(support.lua)
  parts[#parts + 1] = quote("bin/filemap")
  for _, word in ipairs(words) do parts[#parts + 1] = quote(tostring(word)) end
  return table.concat(parts, " ")
end

function command.read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

-- The same on Windows, where os.execute of Lua 5.4.4 does not return the exit status: it takes an old errno
-- for one.
local function run_as_child(words)
  local errors = support.tmpname()
  local line = { support.lua, "-e", "io.stderr = io.open(os.getenv('SPEC_ERRORS'), 'wb')", "bin/filemap",
    env = { SPEC_ERRORS = errors } }
  for _, word in ipairs(words) do line[#line + 1] = tostring(word) end
  local child <close>, said = process.spawn(line), {}
  child:write(words.input or "")
  child:close_input()
  repeat
    local text = child:read(support.deadline)
    said[#said + 1] = text
  until not text
  return #said > 0 and table.concat(said, "\n") .. "\n" or "", child:wait(support.deadline), errors
end

local function run_in_shell(words)
  local input, output, errors = support.tmpname(), support.tmpname(), support.tmpname()
  local file <close> = assert(io.open(input, "wb"))
  file:write(words.input or "")
  file:close()
  local line = ("%s <%s >%s 2>%s"):format(command.line(words), quote(input), quote(output), quote(errors))
  local script = "exec " .. line:gsub("^([%w_]+=)", "env %1")
  local _, how, code = os.execute(("timeout %d sh -c %s"):format(support.deadline, quote(script)))
  return command.read(output), how == "signal" and 128 + code or code, errors
end

-- run{ word..., input =, env =, under = } -> standard output, standard error, exit status. `under` is a
-- command under which it runs (not on Windows). It has a deadline, since it runs in the foreground.
function command.run(words)
  local said, status, errors = (support.windows and run_as_child or run_in_shell)(words)
  return said, (command.read(errors):gsub("\r\n", "\n")), status
end

-- Runs it and checks that it succeeded in silence. Returns what it printed.
function command.output(words)
  local said, problem, status = command.run(words)
  if status ~= 0 or problem ~= "" then
    error(("%s: exit status %d: %s"):format(command.line(words), status, problem), 2)
  end
  return said
end

-- Runs it, and returns the bytes that it printed.
function command.bytes(words)
  local line = command.line(words)
  local pipe <close> = assert(io.popen(support.windows and '"' .. line .. '"' or line,
    support.windows and "rb" or "r"))
  return pipe:read("a")
end

-- Starts it as a child. See spec/support/process.c for the methods.
function command.start(words)
  local line = { support.lua, "bin/filemap", env = words.env }
  for _, word in ipairs(words) do line[#line + 1] = tostring(word) end
  return support.own(process.spawn(line), table.concat(words, " "))
end

-- Starts a pipeline of a guide in a shell, with other words in place of its names. It ends with the shell's
-- input (not on Windows).
function command.pipeline(line, names)
  line = line:gsub("filemap (%l+)", command.line {} .. " %1"):gsub("[%w.]+", names)
  -- The shell ends all of its processes at the end of its input.
  local script = ("set -m; { %s; } </dev/null & read line; { kill -- -$!; wait; } 2>/dev/null"):format(line)
  return support.own(process.spawn { "bash", "-c", script }, line)
end

-- Sends a signal to a child.
function command.signal(child, name)
  assert(os.execute(("kill -%s %d"):format(name, child:pid())))
end

-- A section with these bytes, held by this process until it is closed.
function command.section(bytes, kind)
  local filemap = require "filemap"
  local name = support.unique(kind)
  local map = assert(filemap.create(name, #bytes))
  local view = assert(map:view())
  view:set_string(0, bytes)
  map:close()
  return view, name
end

-- A file with these bytes.
function command.file(bytes, suffix)
  local path = support.tmpname(suffix)
  local file <close> = assert(io.open(path, "wb"))
  file:write(bytes)
  return path
end

return command
