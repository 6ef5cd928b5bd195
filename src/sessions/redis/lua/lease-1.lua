--[[
  When the claim ends that somebody has, or had, to complete, verify or abort the upload.

  KEYS[1]  uploads of the owner (hash: "r:" id = record)

  ARGV[1]  id
  ARGV[2]  now, ms since the epoch

  Returns  {'claimed', end of the lease, ms since the epoch}
           {'free'}  no such record, or in no claimed state
]]
local raw = redis.call('HGET', KEYS[1], 'r:' .. ARGV[1])
local record = raw and cjson.decode(raw)
local claimed = { completing = true, verifying = true, aborting = true }
if not record or record.keepUntil <= tonumber(ARGV[2]) or not claimed[record.state] then
  return { 'free' }
end
return { 'claimed', record.leaseUntil }
