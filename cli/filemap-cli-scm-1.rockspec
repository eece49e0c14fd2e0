rockspec_format = "3.0"
package = "filemap-cli"
version = "scm-1"
source = {
  -- The project is not published yet: build from a checkout, with
  -- `luarocks make cli/filemap-cli-scm-1.rockspec`.
  url = ".",
}
description = {
  summary = "The command filemap: look into, set, record and connect shared memory by name",
  detailed = [[
Lists and dumps named sections, shows them live as a table of fields, records and replays them, and connects
shell scripts through filemap's mailslots, states and pipes.]],
  license = "MIT",
  labels = { "ipc", "mmap", "shared-memory", "commandline" },
}
dependencies = {
  "lua >= 5.3, < 5.6",
  "filemap",
  "argparse >= 0.7.1",
  "dkjson >= 2.5",
  "luasystem >= 0.2.1",
  "lua-term >= 0.7",
}
-- The type "builtin" would also install the folder lua, which belongs to the rock filemap.
build = {
  type = "none",
  install = {
    lua = {
      ["filemap.cli.byte_view"] = "cli/filemap/cli/byte_view.lua",
      ["filemap.cli.clock"] = "cli/filemap/cli/clock.lua",
      ["filemap.cli.command.connect"] = "cli/filemap/cli/command/connect.lua",
      ["filemap.cli.command.copy"] = "cli/filemap/cli/command/copy.lua",
      ["filemap.cli.command.create"] = "cli/filemap/cli/command/create.lua",
      ["filemap.cli.command.dict"] = "cli/filemap/cli/command/dict.lua",
      ["filemap.cli.command.doctor"] = "cli/filemap/cli/command/doctor.lua",
      ["filemap.cli.command.dump"] = "cli/filemap/cli/command/dump.lua",
      ["filemap.cli.command.follow"] = "cli/filemap/cli/command/follow.lua",
      ["filemap.cli.command.get"] = "cli/filemap/cli/command/get.lua",
      ["filemap.cli.command.list"] = "cli/filemap/cli/command/list.lua",
      ["filemap.cli.command.listen"] = "cli/filemap/cli/command/listen.lua",
      ["filemap.cli.command.lock"] = "cli/filemap/cli/command/lock.lua",
      ["filemap.cli.command.publish"] = "cli/filemap/cli/command/publish.lua",
      ["filemap.cli.command.receive"] = "cli/filemap/cli/command/receive.lua",
      ["filemap.cli.command.record"] = "cli/filemap/cli/command/record.lua",
      ["filemap.cli.command.replay"] = "cli/filemap/cli/command/replay.lua",
      ["filemap.cli.command.send"] = "cli/filemap/cli/command/send.lua",
      ["filemap.cli.command.set"] = "cli/filemap/cli/command/set.lua",
      ["filemap.cli.command.wait"] = "cli/filemap/cli/command/wait.lua",
      ["filemap.cli.command.watch"] = "cli/filemap/cli/command/watch.lua",
      ["filemap.cli.common"] = "cli/filemap/cli/common.lua",
      ["filemap.cli.conversation"] = "cli/filemap/cli/conversation.lua",
      ["filemap.cli.examine"] = "cli/filemap/cli/examine.lua",
      ["filemap.cli.fail"] = "cli/filemap/cli/fail.lua",
      ["filemap.cli.field_view"] = "cli/filemap/cli/field_view.lua",
      ["filemap.cli.forward"] = "cli/filemap/cli/forward.lua",
      ["filemap.cli.hex"] = "cli/filemap/cli/hex.lua",
      ["filemap.cli.interrupt"] = "cli/filemap/cli/interrupt.lua",
      ["filemap.cli.json"] = "cli/filemap/cli/json.lua",
      ["filemap.cli.layout"] = "cli/filemap/cli/layout.lua",
      ["filemap.cli.main"] = "cli/filemap/cli/main.lua",
      ["filemap.cli.manual"] = "cli/filemap/cli/manual.lua",
      ["filemap.cli.names"] = "cli/filemap/cli/names.lua",
      ["filemap.cli.nearest"] = "cli/filemap/cli/nearest.lua",
      ["filemap.cli.number"] = "cli/filemap/cli/number.lua",
      ["filemap.cli.out"] = "cli/filemap/cli/out.lua",
      ["filemap.cli.parser"] = "cli/filemap/cli/parser.lua",
      ["filemap.cli.place"] = "cli/filemap/cli/place.lua",
      ["filemap.cli.progress"] = "cli/filemap/cli/progress.lua",
      ["filemap.cli.recording"] = "cli/filemap/cli/recording.lua",
      ["filemap.cli.shell"] = "cli/filemap/cli/shell.lua",
      ["filemap.cli.source"] = "cli/filemap/cli/source.lua",
      ["filemap.cli.style"] = "cli/filemap/cli/style.lua",
      ["filemap.cli.terminal"] = "cli/filemap/cli/terminal.lua",
      ["filemap.cli.text"] = "cli/filemap/cli/text.lua",
      ["filemap.cli.transfer"] = "cli/filemap/cli/transfer.lua",
      ["filemap.cli.watching"] = "cli/filemap/cli/watching.lua",
    },
    bin = { "bin/filemap" },
  },
}
