-- Commands that Ctrl-C ends as their user means. Internal to the command.

--- Calls f(...). Returns its results, or nothing if Ctrl-C interrupted it.
return function(f, ...)
  local results = table.pack(pcall(f, ...))
  if results[1] then return table.unpack(results, 2, results.n) end
  local problem = results[2]
  if type(problem) == "table" or not tostring(problem):find("interrupted!$") then error(problem, 0) end
end
