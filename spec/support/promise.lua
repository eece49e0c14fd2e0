-- What a line of an example promises to print: the text behind `-->`. An ellipsis stands for any text, and
-- columns may be apart by any white space.
local promise = {}

-- The promise of a line, or nil.
function promise.of(line)
  return line:match("%-%->%s*(.-)%s*$")
end

-- A promise as a pattern of the whole line.
function promise.pattern(text)
  local pattern = text:gsub("…", "\0"):gsub("[%^%$%(%)%%%.%[%]%*%+%-%?]", "%%%0"):gsub("%s+", "%%s+")
  return "^" .. pattern:gsub("%z", ".*") .. "%s*$"
end

return promise
