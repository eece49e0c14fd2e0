-- Checks recorded histories of one key against a sequential dictionary: Wing & Gong, "Testing and verifying
-- concurrent objects" (1993), with the states that were visited kept as Lowe does ("Testing for
-- linearizability", 2017).
--
-- A history is an array of operations { from =, to =, call =, argument =, result = }: the moments before and
-- after the call on one clock, and what the call was given and returned.
local linearizable = {}

-- What each call does to a value (nil: absent). Returns the new value and the result.
local effects = {
  get = function(value) return value, value end,
  set = function(_, argument) return argument, true end,
  add = function(value, argument)
    if value ~= nil then return value, "exists" end
    return argument, true
  end,
  delete = function(value) return nil, value ~= nil end,
  incr = function(value, argument)
    local sum = (value or 0) + argument
    return sum, sum
  end,
}

-- A set of operations and a value as a key: the operations that are done, in a window, and the value.
local function state_key(first, done, value)
  local words = {}
  for i in pairs(done) do words[#words + 1] = i end
  table.sort(words)
  return ("%d %s %s"):format(first, value, table.concat(words, " "))
end

--- Returns true if there is an order of the operations in which each takes effect between its start and its
--- end, and each result is that of a sequential dictionary. Otherwise false, and the most operations that an
--- order could explain.
function linearizable.check(history)
  local ops = table.move(history, 1, #history, 1, {})
  table.sort(ops, function(a, b) return a.from < b.from end)
  local visited, most = {}, 0
  -- All operations before `first` are done, and those of `done` after it.
  local stack = { { first = 1, done = {}, value = nil, count = 0 } }
  while #stack > 0 do
    local state = table.remove(stack)
    if state.count == #ops then return true end
    most = math.max(most, state.count)
    -- the first end of an operation that is not done: the next one must start before it
    local ends = math.huge
    for i = state.first, #ops do
      if ops[i].from > ends then break end
      if not state.done[i] then ends = math.min(ends, ops[i].to) end
    end
    for i = state.first, #ops do
      local op = ops[i]
      if op.from > ends then break end
      if not state.done[i] then
        local value, result = effects[op.call](state.value, op.argument)
        if result == op.result then
          local done, first = { [i] = true }, state.first
          for k in pairs(state.done) do done[k] = true end
          while done[first] do done[first], first = nil, first + 1 end
          local key = state_key(first, done, value)
          if not visited[key] then
            visited[key] = true
            stack[#stack + 1] = { first = first, done = done, value = value, count = state.count + 1 }
          end
        end
      end
    end
  end
  return false, most
end

return linearizable
