--[[
  Takes an upload out of a claimed state, on behalf of the holder of the latest claim.

  KEYS[1]  uploads of the owner (hash: "r:" id = record)
  KEYS[2]  parts of the upload
  KEYS[3]  odd ETags of the upload
  KEYS[4]  the owner's entries, by age
  KEYS[5]  the owner's entries, by the end of the record
  KEYS[6]  the owner's contents (hash: content = id of the upload that has it)
  KEYS[7]  the owner's charges, by when they are over

  ARGV[1]   id
  ARGV[2]   now, ms since the epoch
  ARGV[3]   fence
  ARGV[4]   the claimed state
  ARGV[5]   the state to go to
  ARGV[6]   stored object, JSON, or empty
  ARGV[7]   expiresAt, ms since the epoch
  ARGV[8]   keepUntil, ms since the epoch
  ARGV[9]   how much longer than the records the keys live, ms
  ARGV[10]  epoch that the record gets, or 0 for the one that it has
  ARGV[11]  what the content is known by from now on, separated by spaces

  Returns  {'settled', end of the lease that the claim had, ms since the epoch}
           {'refused'}  no such record, another state, or another fence
]]
-- include save.lua
-- include keep.lua
local field, now, to = 'r:' .. ARGV[1], tonumber(ARGV[2]), ARGV[5]
local raw = redis.call('HGET', KEYS[1], field)
local record = raw and cjson.decode(raw)
if not record or record.keepUntil <= now then return { 'refused' } end
if record.state ~= ARGV[4] or record.fence ~= tonumber(ARGV[3]) then return { 'refused' } end

local expiresAt, keepUntil = tonumber(ARGV[7]), tonumber(ARGV[8])
if to == 'uploading' then
  expiresAt = math.max(expiresAt, record.expiresAt)
  keepUntil = math.max(keepUntil, record.keepUntil)
end
local lease = record.leaseUntil
-- Whoever is to go on with it takes it in its turn among those whose lease has ended.
record.state, record.leaseUntil, record.attempts = to, to == 'verifying' and now or 0, nil
record.expiresAt, record.keepUntil, record.standing = expiresAt, keepUntil, nil
if ARGV[6] ~= '' then record.object = ARGV[6] end
if ARGV[10] ~= '0' then record.epoch = tonumber(ARGV[10]) end
local contents, known = record.contents or {}, {}
for _, content in ipairs(contents) do known[content] = true end
for content in string.gmatch(ARGV[11], '%S+') do
  redis.call('HSET', KEYS[6], content, ARGV[1])
  if not known[content] then contents[#contents + 1] = content end
end
if #contents > 0 then record.contents = contents end
save(KEYS[1], KEYS[7], raw, record, now)
keepKeys(record, ARGV[9])
return { 'settled', lease }
