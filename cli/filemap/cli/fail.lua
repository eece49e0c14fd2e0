-- How a command of `filemap` ends early. Internal to the command.
--
-- fail(message, status) raises what main.lua prints as `filemap: message` on standard error. The status is 1
-- for a failure (default) and 2 for wrong usage.
local fail = setmetatable({}, {
  __call = function(_, message, status)
    error({ message = message, status = status or 1 }, 0)
  end,
})

--- Raises a mistake in the arguments.
function fail.usage(message)
  fail(message, 2)
end

--- Ends the command without a message: the reader of its output is gone, or the message is printed already.
function fail.quietly(status)
  error({ status = status }, 0)
end

--- Returns its arguments, or fails if the first is nil: for calls that return nil, message.
function fail.unless(value, message, ...)
  if value == nil then fail(message) end
  return value, message, ...
end

--- The text of an error that a call raised, without the position in a source file and the function's name.
function fail.text(problem)
  local text = tostring(problem):gsub("^[^\n]-%.lua:%d+: ", ""):gsub("^%[C%]: ", "")
  return text:match("^bad argument #%d+ to '[^']*' %((.*)%)$") or text
end

--- Calls f, and fails with the text of the error that it raises. An interrupt passes.
function fail.raised(status, f, ...)
  local results = table.pack(pcall(f, ...))
  if results[1] then return table.unpack(results, 2, results.n) end
  local problem = results[2]
  if type(problem) == "table" or tostring(problem):find("interrupted!$") then error(problem, 0) end
  return fail(fail.text(problem), status)
end

return fail
