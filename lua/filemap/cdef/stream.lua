-- Lists of tokens that are made as they are needed, and dropped behind their reader: so a source of any size
-- takes few of them at a time. Internal to filemap.cdef.
local lexer = require "filemap.cdef.lexer"

local stream = {}
local KEYS = { "kind", "value", "at" }

--- A list whose arrays call fill(list), which adds one token at least, where they are indexed past their end.
-- `dropped` counts the tokens that the list has no longer.
function stream.new(fill)
  local list = lexer.list()
  list.dropped = 0
  local more = {
    __index = function(t, i)
      while list.n < i do fill(list) end
      return rawget(t, i)
    end,
  }
  for _, key in ipairs(KEYS) do setmetatable(list[key], more) end
  return list
end

--- Drops the tokens from index `from` to `to`, and returns how many those are.
function stream.drop(list, from, to)
  local n, count = list.n, to - from + 1
  for _, key in ipairs(KEYS) do
    local t = list[key]
    table.move(t, to + 1, n, from)
    for k = n - count + 1, n do t[k] = nil end
  end
  list.n, list.dropped = n - count, list.dropped + count
  return count
end

--- Removes the tokens behind index `last`, which no reader has had.
function stream.cut(list, last)
  for _, key in ipairs(KEYS) do
    local t = list[key]
    for k = last + 1, list.n do t[k] = nil end
  end
  list.n = last
end

return stream
