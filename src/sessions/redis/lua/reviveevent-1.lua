--[[
  Lets a dead event be tried again, at once.

  KEYS[1]  outbox of the owner (hash: "e:" name = event, "d:" name = how its delivery is)

  ARGV[1]  name of the event: its receiver and its id
  ARGV[2]  now, ms since the epoch
  ARGV[3]  keepUntil, ms since the epoch
  ARGV[4]  how much longer than the events the key lives, ms

  Returns  {'revived'}
           {'refused'}  not there, or not dead
]]
-- include live.lua
local field, now, keepUntil = 'd:' .. ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local raw = redis.call('HGET', KEYS[1], field)
local delivery = raw and cjson.decode(raw)
if not delivery or delivery.state ~= 'dead' or delivery.keepUntil <= now then return { 'refused' } end

delivery.state, delivery.dueAt, delivery.attempts = 'waiting', now, 0
delivery.keepUntil = keepUntil
redis.call('HSET', KEYS[1], field, cjson.encode(delivery))
live(KEYS[1], keepUntil - now + tonumber(ARGV[4]))
return { 'revived' }
