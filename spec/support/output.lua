-- busted's output "plainTerminal", with one list of skipped specs at the end: the reasons, and how many specs
-- each reason skips. With --verbose the specs follow their reason.
local busted = require "busted"
local plain = require "busted.outputHandlers.plainTerminal"

-- Why a spec is skipped. That is its message, or it is a part of its name in parentheses: at the end, at the
-- beginning of a name, or "(only on …)".
local function reason_of(skipped)
  if type(skipped.message) == "string" then
    return (skipped.message:match("[^\n]*"):gsub("^%a?:?[^:%s]+:%d+: ", ""))
  end
  local name = skipped.name
  local reason = name:match("%(only on %w+: .-%)") or skipped.element.name:match("^%b()")
    or name:match("^.*(%b())$")
  return reason and reason:sub(2, -2) or "no reason is given"
end

-- The reasons, the most frequent ones first: { reason, name... }.
local function reasons_of(pendings)
  local reasons = {}
  for _, skipped in ipairs(pendings) do
    local reason = reason_of(skipped)
    if not reasons[reason] then
      reasons[reason] = { reason }
      reasons[#reasons + 1] = reasons[reason]
    end
    table.insert(reasons[reason], skipped.name)
  end
  table.sort(reasons, function(a, b)
    if #a ~= #b then return #a > #b end
    return a[1] < b[1]
  end)
  return reasons
end

local function print_list(pendings, verbose)
  if #pendings == 0 then return end
  io.write(("\nSkipped specs: %d\n"):format(#pendings))
  for _, names in ipairs(reasons_of(pendings)) do
    io.write(("%5d  %s\n"):format(#names - 1, names[1]))
    for i = 2, verbose and #names or 1 do io.write("         ", names[i], "\n") end
  end
end

return function(options)
  local pendings
  local handler
  busted.subscribe({ "suite", "end" }, function()
    pendings, handler.pendings = handler.pendings, {}
    return nil, true -- other subscribers get the event too
  end)
  handler = plain(options)
  busted.subscribe({ "suite", "end" }, function()
    print_list(pendings, options.verbose)
    return nil, true
  end)
  return handler
end
