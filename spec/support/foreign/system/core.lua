-- The functions of lua-system's part in C that busted uses, for processors for which Debian's module is not
-- installed.
local process = require "process"

local function never() return false end

-- The time, to within a second, and with fractions that pass as time does.
local date, start = os.time(), process.now()
local function gettime() return date + process.now() - start end

return { gettime = gettime, monotime = process.now, sleep = require("filemap").sleep, isatty = never }
