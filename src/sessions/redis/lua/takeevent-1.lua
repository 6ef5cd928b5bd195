--[[
  Claims an event that is due.

  KEYS[1]  outbox of the owner (hash: "e:" name = event, "d:" name = how its delivery is)

  ARGV[1]  name of the event: its receiver and its id
  ARGV[2]  now, ms since the epoch
  ARGV[3]  lease, ms

  Returns  {'taken', event, delivery}
           {'refused'}  not there, not due, or dead
]]
local field, now = 'd:' .. ARGV[1], tonumber(ARGV[2])
local raw = redis.call('HGET', KEYS[1], field)
local delivery = raw and cjson.decode(raw)
if not delivery or delivery.state ~= 'waiting' then return { 'refused' } end
if delivery.dueAt > now or delivery.keepUntil <= now then return { 'refused' } end

delivery.dueAt = now + tonumber(ARGV[3])
delivery.attempts, delivery.fence = delivery.attempts + 1, delivery.fence + 1
raw = cjson.encode(delivery)
redis.call('HSET', KEYS[1], field, raw)
return { 'taken', redis.call('HGET', KEYS[1], 'e:' .. ARGV[1]), raw }
