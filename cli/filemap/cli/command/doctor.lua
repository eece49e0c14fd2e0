-- filemap doctor
local common = require "filemap.cli.common"
local examine = require "filemap.cli.examine"
local out = require "filemap.cli.out"
local terminal = require "filemap.cli.terminal"
local text = require "filemap.cli.text"

local command = {
  name = "doctor", summary = "find what limits filemap here, and what to do",
  description = {
    "The exit status is 1 if something keeps filemap from working here, and 0 with warnings only.",
    "On a terminal, lines are cut at its width. 'filemap doctor | cat' shows all of them.",
  },
  options = { common.json },
  examples = {
    { "filemap doctor", "prints one line a check, and advice where it is needed" },
    { "filemap doctor --json", "prints {\"check\":…,\"result\":…,\"message\":…,\"advice\":…} for each" },
  },
}

local COLOUR = { ok = "\27[32m", warning = "\27[33m", failed = "\27[31m" }

-- The columns of a result, and where a finding's message begins.
local RESULT, MARGIN = 8, 21

-- Prints a finding and its advice, each in one line of this many columns.
local function print_finding(finding, columns)
  local result = ("%-8s"):format(finding.result)
  if out.terminal and (os.getenv("NO_COLOR") or "") == "" then
    result = COLOUR[finding.result] .. result .. "\27[0m"
  end
  local message = ("%-12s %s"):format(finding.check, text.printable(finding.message))
  out.line(result .. text.cut(message, columns - RESULT))
  if finding.advice and columns > MARGIN then
    out.line(text.cut((" "):rep(MARGIN) .. text.printable(finding.advice), columns))
  end
end

function command.run(args)
  local status, columns = 0, math.maxinteger
  if out.terminal then columns = select(2, terminal.size()) end
  for _, finding in ipairs(examine()) do
    if finding.result == "failed" then status = 1 end
    if args.json then
      out.object { { "check", finding.check }, { "result", finding.result }, { "message", finding.message },
        { "advice", finding.advice } }
    else
      print_finding(finding, columns)
    end
  end
  return status
end

return command
