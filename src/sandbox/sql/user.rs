//! Users and roles: CREATE, ALTER, DROP, and who has which role.
//!
//! Called by [`super::perform`]. Must never see a password: statements come without.

use super::catalogue::{Catalogue, Grantee, User};
use super::parse::Statement;
use super::{Scene, SqlError};

pub(super) fn perform(own: &mut Catalogue, scene: &Scene<'_>, statement: &Statement) -> Result<(), SqlError> {
    use Statement as S;
    let user = &scene.session.user;
    let itself = matches!(statement, S::AlterUser { name, .. } if name == user);
    if !own.is_super(user) && !itself {
        return Err(SqlError::new(match statement {
            S::Role { .. } | S::GrantRole { .. } => "permission denied to manage roles",
            _ => "permission denied to manage users",
        }));
    }
    match statement {
        S::User { name, password } => {
            if own.users.contains_key(name) {
                return Err(SqlError::new(format!("user \"{name}\" already exists")));
            }
            let id = own.next_id();
            let mut user = User { id, ..User::default() };
            set(&mut user, password.as_ref());
            own.users.insert(name.clone(), user);
        }
        S::AlterUser { name, password, search_path } => {
            let Some(user) = own.users.get_mut(name) else { return Err(no_user(name)) };
            if let Some(password) = password {
                set(user, password.as_ref());
            }
            if search_path.is_some() {
                user.search_path.clone_from(search_path);
            }
        }
        S::DropUser { name, lenient } => drop_user(own, name, *lenient)?,
        S::Role { name, made: true, .. } => {
            if own.roles.contains_key(name) {
                return Err(SqlError::new(format!("role \"{name}\" already exists")));
            }
            let id = own.next_id();
            own.roles.insert(name.clone(), id);
        }
        S::Role { name, made: false, forced } => drop_role(own, name, *forced)?,
        S::GrantRole { roles, to, given } => {
            for role in roles {
                own.check_grantee(&Grantee::Role(role.clone()))?;
                for holder in to {
                    own.check_grantee(holder)?;
                    if *holder == Grantee::Role(role.clone()) {
                        return Err(SqlError::new(format!("role \"{role}\" can't be granted to itself")));
                    }
                    let member = (role.clone(), holder.clone());
                    if *given {
                        own.members.insert(member);
                    } else {
                        own.members.remove(&member);
                    }
                }
            }
        }
        _ => {}
    }
    Ok(())
}

fn set(user: &mut User, password: Option<&String>) {
    user.password = password.is_some();
    user.verifier = password.cloned().unwrap_or_default();
}

fn no_user(name: &str) -> SqlError {
    SqlError::new(format!("user \"{name}\" does not exist"))
}

fn drop_user(own: &mut Catalogue, name: &str, lenient: bool) -> Result<(), SqlError> {
    if !own.users.contains_key(name) {
        return if lenient { Ok(()) } else { Err(no_user(name)) };
    }
    let schemas = || own.databases.values().flat_map(|database| database.schemas.values());
    let owns = own.databases.values().any(|it| it.owner == name)
        || own.shares.values().any(|it| it.owner == name)
        || schemas().any(|it| it.owner == name || it.tables.values().any(|table| table.owner == name));
    if owns {
        return Err(SqlError::new(format!("user \"{name}\" can't be dropped because the user owns some object")));
    }
    if own.rights.iter().any(|right| right.grantee == Grantee::User(name.to_owned())) {
        let message = format!("user \"{name}\" can't be dropped because the user has a privilege on some object");
        return Err(SqlError::new(message));
    }
    own.users.remove(name);
    own.members.retain(|(_, holder)| *holder != Grantee::User(name.to_owned()));
    Ok(())
}

fn drop_role(own: &mut Catalogue, name: &str, forced: bool) -> Result<(), SqlError> {
    let itself = Grantee::Role(name.to_owned());
    own.check_grantee(&itself)?;
    if !forced && own.members.iter().any(|(role, _)| role == name) {
        return Err(SqlError::new(format!("role \"{name}\" can't be dropped because it is granted; use FORCE")));
    }
    own.roles.remove(name);
    own.members.retain(|(role, holder)| role != name && *holder != itself);
    own.rights.retain(|right| right.grantee != itself);
    Ok(())
}
