-- Pins more memory than this process may lock, and prints the code of the failure.
local child = require "spec.child.common"
local filemap = require "filemap"
local process = require "process"

process.limit_locked(65536)
child.ready()
local view = assert(assert(filemap.create(nil, 1 << 20)):view())
local _, _, code = view:pin()
child.say(code)
child.hear()
