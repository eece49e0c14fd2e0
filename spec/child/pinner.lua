-- Says what becomes of pinning more than this process may lock.
local child = require "spec.child.common"
local filemap = require "filemap"
local process = require "process"

process.limit_locked(65536)
child.ready()
local view = assert(assert(filemap.create(nil, 1 << 20)):view())
local _, _, code = view:pin()
child.say(code)
child.hear()
