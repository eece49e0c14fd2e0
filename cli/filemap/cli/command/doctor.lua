-- filemap doctor
local common = require "filemap.cli.common"
local examine = require "filemap.cli.examine"
local out = require "filemap.cli.out"

local command = {
  name = "doctor", summary = "find what limits filemap on this machine, and what to do",
  description = {
    "The exit status is 1 if something keeps filemap from working here, and 0 with warnings only.",
  },
  options = { common.json },
  examples = {
    { "filemap doctor", "prints one line a check, and advice where it is needed" },
    { "filemap doctor --json", "prints {\"check\":…,\"result\":…,\"message\":…,\"advice\":…} for each" },
  },
}

local COLOUR = { ok = "\27[32m", warning = "\27[33m", failed = "\27[31m" }

local function print_finding(finding)
  local result = ("%-8s"):format(finding.result)
  if out.terminal and not os.getenv("NO_COLOR") then result = COLOUR[finding.result] .. result .. "\27[0m" end
  out.line(("%s%-12s %s"):format(result, finding.check, finding.message))
  if finding.advice then out.line(("%s%s"):format((" "):rep(21), finding.advice)) end
end

function command.run(args)
  local status = 0
  for _, finding in ipairs(examine()) do
    if finding.result == "failed" then status = 1 end
    if args.json then
      out.object { { "check", finding.check }, { "result", finding.result }, { "message", finding.message },
        { "advice", finding.advice } }
    else
      print_finding(finding)
    end
  end
  return status
end

return command
