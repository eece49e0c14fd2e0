-- The word that a user probably meant. Internal to the command.

-- The number of letters to insert, delete, replace or exchange that turns one word into the other
-- (Damerau 1964, as the optimal string alignment distance).
local function distance(a, b)
  local before, last = nil, {}
  for j = 0, #b do last[j] = j end
  for i = 1, #a do
    local row = { [0] = i }
    for j = 1, #b do
      local same = a:byte(i) == b:byte(j)
      row[j] = math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (same and 0 or 1))
      if before and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        row[j] = math.min(row[j], before[j - 2] + 1)
      end
    end
    before, last = last, row
  end
  return last[#b]
end

-- Longer words are not compared: the table above would be large.
local LONGEST = 64

-- What of a word is compared: a user who types "help" may mean "--help".
local function letters(word)
  return (word:lower():gsub("^%-+", ""))
end

--- The nearest of the words, or nil if none is near: at most a third of the letters may differ.
return function(word, words)
  local best, least
  for _, other in ipairs(words) do
    if #word <= LONGEST and #other <= LONGEST then
      local d = distance(letters(word), letters(other))
      if d <= math.max(1, #word // 3) and (not least or d < least) then best, least = other, d end
    end
  end
  return best
end
