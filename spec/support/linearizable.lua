-- Checks recorded histories of one key against a sequential dictionary: Wing & Gong, "Testing and verifying
-- concurrent objects" (1993), with the states that were visited kept as Lowe does ("Testing for
-- linearizability", 2017).
--
-- A history is an array of operations { from =, to =, call =, argument =, result = }: the moments before and
-- after the call on one clock, and what the call was given and returned. `ttl` of a set is in seconds.
--
-- An entry that expires may be absent for each operation that ends after `from` + `ttl` of its set. If the
-- dictionary evicts, an entry may be absent for each operation.
local linearizable = {}

-- What each call does to a value (nil: absent) and to the time of its end (nil: none). Returns both, and the
-- result.
local effects = {
  get = function(value, ends) return value, ends, value end,
  set = function(_, _, op) return op.argument, op.ttl and op.from + op.ttl, true end,
  add = function(value, ends, op)
    if value ~= nil then return value, ends, "exists" end
    return op.argument, nil, true
  end,
  delete = function(value) return nil, nil, value ~= nil end,
  clear = function() return nil, nil, true end,
  incr = function(value, ends, op)
    local sum = (value or 0) + op.argument
    return sum, ends, sum
  end,
  compare_set = function(value, _, op)
    local sum = (value or 0) + op.argument
    return sum, nil, sum
  end,
}

-- A set of operations and an entry as a key: the operations that are done, in a window, and the entry.
local function state_key(first, done, value, ends)
  local words = {}
  for i in pairs(done) do words[#words + 1] = i end
  table.sort(words)
  return ("%d %s %s %s"):format(first, value, ends, table.concat(words, " "))
end

--- Returns true if there is an order of the operations in which each takes effect between its start and its
--- end, and each result is that of a sequential dictionary. Otherwise false, and the most operations that an
--- order could explain.
function linearizable.check(history, evicts)
  local ops = table.move(history, 1, #history, 1, {})
  table.sort(ops, function(a, b) return a.from < b.from end)
  local visited, most = {}, 0
  -- All operations before `first` are done, and those of `done` after it.
  local stack = { { first = 1, done = {}, count = 0 } }

  local function try(state, i, value, ends)
    local new, new_ends, result = effects[ops[i].call](value, ends, ops[i])
    if result ~= ops[i].result then return end
    local done, first = { [i] = true }, state.first
    for k in pairs(state.done) do done[k] = true end
    while done[first] do done[first], first = nil, first + 1 end
    local key = state_key(first, done, new, new_ends)
    if visited[key] then return end
    visited[key] = true
    stack[#stack + 1] = { first = first, done = done, value = new, ends = new_ends, count = state.count + 1 }
  end

  while #stack > 0 do
    local state = table.remove(stack)
    if state.count == #ops then return true end
    most = math.max(most, state.count)
    -- the first end of an operation that is not done: the next one must start before it
    local first_end = math.huge
    for i = state.first, #ops do
      if ops[i].from > first_end then break end
      if not state.done[i] then first_end = math.min(first_end, ops[i].to) end
    end
    for i = state.first, #ops do
      if ops[i].from > first_end then break end
      if not state.done[i] then
        try(state, i, state.value, state.ends)
        if evicts or state.ends and ops[i].to >= state.ends then try(state, i, nil, nil) end
      end
    end
  end
  return false, most
end

return linearizable
